"""Does a model listen? Both architectures, trained for the same CPU-seconds on made-up dyads, against known answers.

    python -m benchmarks.quality                         # everything: about an hour and a half on one core
    python -m benchmarks.quality --rows modern           # one row again; the others come from the folder
    python -m benchmarks.quality --again modern          # train and sample that row anew
    python -m benchmarks.quality --table                 # only print what there is

Data: benchmarks/dyads.py, seeded. 180 recordings of a minute to train on, of which a tenth validate; 20 to test on,
with 10 other true futures each. Both models are trained by their commands from the same files. The full-size released
model has its switches, but for its learning rate, which takes weeks to rise, and the choice of its best codebook, which
in a training this short would be the first one looked at. Guidance of the modern one is chosen on
the validation recordings. Nothing is chosen on the test recordings. Everything is kept in --folder; a training that is
stopped goes on.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import measures
from benchmarks.dyads import Speaker, listen, speak
from benchmarks.models import Trained, modern, released
from l2l.codes import perplexity
from l2l.dataset.layout import REGIONS, WINDOW, chunk_paths
from l2l.features.standardize import Standardizer
from l2l.files import save_json, save_npz
from l2l.units import AUDIO_PER_FRAME, FACE_DIM, FPS, MODEL_DIM

TRAIN, TEST, SAMPLES = 180, 20, 10
FRAMES = 1792  # of a recording: whole windows and whole patches
STRIDE = 32  # of training windows
TRAIN_SEED, TEST_SEED = 0, 1
SHIFTS = (240, 560, 880, 1200, 1520)  # frames by which the speaker is shifted for the gain, circularly
ROWS = ("truth", "futures", "random listener", "mean pose", "mirror", "released", "modern")


def recording(seed: int, number: int) -> tuple[Speaker, np.ndarray]:
    """A speaker and the truth (T, 56)."""
    speaker = speak(seed, number, FRAMES / FPS)
    return speaker, listen(seed, number, speaker)


def write_chunks(folder: Path) -> None:
    """The training recordings in the published layout; p0 listens."""
    paths = chunk_paths(folder, "train", "left")
    if all(path.exists() for path in paths.values()):
        return
    starts = range(0, FRAMES - WINDOW + 1, STRIDE)
    shape = TRAIN * len(starts)
    paths["files"].parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        "listener": np.lib.format.open_memmap(paths["listener"], "w+", np.float32, (shape, WINDOW, FACE_DIM)),
        "speaker": np.lib.format.open_memmap(paths["speaker"], "w+", np.float32, (shape, WINDOW, FACE_DIM)),
        "audio": np.lib.format.open_memmap(paths["audio"], "w+", np.float32, (shape, WINDOW * AUDIO_PER_FRAME, 128)),
    }
    labels, row = [], 0
    for number in range(TRAIN):
        speaker, truth = recording(TRAIN_SEED, number)
        names = np.stack([[f"train{number:03d}", "0", str(frame)] for frame in range(FRAMES)])
        for start in starts:
            frames = slice(start, start + WINDOW)
            arrays["listener"][row, :, :MODEL_DIM] = truth[frames]
            arrays["speaker"][row, :, :MODEL_DIM] = speaker.motion[frames]
            arrays["audio"][row] = speaker.audio[AUDIO_PER_FRAME * start : AUDIO_PER_FRAME * (start + WINDOW)]
            labels.append(names[frames])
            row += 1
    np.save(paths["files"], np.stack(labels))


class Bench:
    """The data and everything that rows are compared with."""

    def __init__(self, folder: Path, budget: float) -> None:
        self.folder, self.budget = folder, budget
        write_chunks(folder / "data")
        found = [recording(TEST_SEED, number) for number in range(TEST)]
        self.speakers = [speaker for speaker, _ in found]
        self.truth = np.stack([truth for _, truth in found])  # (N, T, 56)
        self.training = np.stack([recording(TRAIN_SEED, number)[1] for number in range(TRAIN)])
        self.unit = Standardizer.fit(self.training)
        speakers = np.stack([speaker.motion for speaker in self.speakers])
        self.spoken = Standardizer.fit(speakers).apply(speakers)

    def samples(self, row: str) -> tuple[np.ndarray, Trained | None]:
        """(S, N, T, 56) raw, and the models that made them."""
        shape = (1, *self.truth.shape)
        if row == "truth":
            return self.truth[None], None
        if row == "futures":
            return self.futures(SAMPLES), None
        if row == "random listener":
            drawn = np.random.default_rng(0).integers(0, TRAIN, (SAMPLES, TEST))
            return self.training[drawn], None
        if row == "mean pose":
            return np.broadcast_to(self.unit.mean, shape), None
        if row == "mirror":
            return np.stack([speaker.motion for speaker in self.speakers])[None], None
        trained = (modern if row == "modern" else released)(self.folder, self.budget)
        path = self.folder / row / "samples.npz"
        if not path.exists():
            save_npz(path, samples=trained.sample(self.speakers, SAMPLES))
        with np.load(path) as file:
            return file["samples"], trained

    def futures(self, count: int) -> np.ndarray:
        """(S, N, T, 56) other true answers to the test speakers."""
        return np.stack(
            [[listen(TEST_SEED, n, s, 1 + future) for n, s in enumerate(self.speakers)] for future in range(count)]
        )

    def score(self, row: str) -> dict:
        """All numbers of a row."""
        raw, trained = self.samples(row)
        samples, truth = self.unit.apply(raw), self.unit.apply(self.truth)
        found = {
            "phases": measures.phases(samples),
            "phases_32": measures.phases(samples, 32)["worst"],
            "empty": measures.empty_frames(samples),
            **measures.distances(samples, truth, self.spoken),
            **measures.events(raw, self.speakers),
            "sid": measures.shannon(samples, truth),
            "variety": measures.variety(samples),
        }
        return found | (self.of_models(trained, truth) if trained else {})

    def of_models(self, trained: Trained, truth: np.ndarray) -> dict[str, Any]:
        """Numbers of the models themselves; `truth` (N, T, 56) in units of the training frames' std."""
        motion, counts, codes = trained.reconstruct(self.truth)
        error = np.abs(self.unit.apply(motion) - truth)
        found = [trained.likelihoods(s, t, (0, *SHIFTS)) for s, t in zip(self.speakers, self.truth, strict=True)]
        true, shifted = np.array([f[0][0] for f in found]), np.array([np.mean(f[0][1:]) for f in found])
        alone = np.array([f[1] for f in found])
        result = {
            **trained.spent,
            "l1": {region: float(error[..., channels].mean()) for region, channels in REGIONS.items()},
            "through_codebook": measures.events(motion[None], self.speakers),
            "code_use": [perplexity(level) / codes for level in counts],
            "codes": codes,
            "nats": float(true.mean()),
            "gain": measures.interval(lambda rows: float((shifted - true)[rows].mean()), len(true)),
        }
        if np.isfinite(alone).all():
            unheard = measures.interval(lambda rows: float((alone - true)[rows].mean()), len(true))
            result["over_unconditional"] = unheard
        return result


def number(value: list[float] | float, digits: int = 2) -> str:
    """A value, with its interval if it has one; nothing is minus nought."""
    shown = [f"{round(v, digits) + 0.0:.{digits}f}" for v in (value if isinstance(value, list) else [value])]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]" if len(shown) == 3 else shown[0]


def line(row: str, scores: dict, futures: dict) -> list[str]:
    """One line of the table."""
    variety = [scores["variety"][r] / futures["variety"][r] if scores["variety"][r] else 0 for r in scores["variety"]]
    l1, use = scores.get("l1"), scores.get("code_use")
    return [
        row,
        " + ".join(f"{s:.0f}" for s in scores["cpu_seconds"]) if "cpu_seconds" in scores else "-",
        " / ".join(f"{value:.2f}" for value in l1.values()) if l1 else "-",
        f"{min(use):.2f}-{max(use):.2f} of {scores['codes']}" if use else "-",
        number(scores["phases"]["border"]) + " / " + number(scores["phases"]["worst"]) if scores["empty"] < 1 else "-",
        number(scores["phases_32"]) if scores["empty"] < 1 else "-",
        number(scores["fd"]),
        number(scores["p_fd"]),
        number(scores["sid"]["expression"]) + " / " + number(scores["sid"]["pose"]),
        number(scores["nods"]),
        number(scores["base"], 3),
        number(scores["smiles"]),
        " / ".join(f"{v:.2f}" for v in variety) if any(variety) else "-",
        number(scores["gain"], 3) if "gain" in scores else "-",
        number(scores["over_unconditional"], 3) if "over_unconditional" in scores else "-",
    ]


HEAD = [
    "row", "CPU-s, codebook + predictor", "L1 exp / rot / jaw", "code use", "seam: border / worst of 8",
    "worst of 32", "FD", "P-FD", "SID exp / pose, bits", "nods after a pause", "at other moments", "smiles returned",
    "variety / futures': exp / rot / jaw", "gain, nats/frame", "over unconditional",
]  # fmt: skip


def table(scores: dict[str, dict]) -> str:
    rows = [line(row, scores[row], scores["futures"]) for row in ROWS if row in scores]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [HEAD, ["---"] * len(HEAD), *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("results/quality"), help="where everything is kept")
    parser.add_argument("--budget", type=float, default=700, help="CPU-seconds of training for each model pair")
    parser.add_argument("--rows", nargs="*", default=None, choices=ROWS, help="compute these, even if they are there")
    parser.add_argument("--again", nargs="*", default=[], choices=("released", "modern"), help="train these anew")
    parser.add_argument("--table", action="store_true", help="only print")
    args = parser.parse_args()
    torch.set_num_threads(1)
    paths = {row: args.folder / "scores" / f"{row.replace(' ', '_')}.json" for row in ROWS}
    wanted = [] if args.table else args.rows or [row for row in ROWS if row in args.again or not paths[row].exists()]
    bench = Bench(args.folder, args.budget) if wanted else None
    for row in wanted:
        for name in ("codebook.pt", "predictor.pt", "samples.npz", "training.json") if row in args.again else ():
            (args.folder / row / name).unlink(missing_ok=True)
        start = time.process_time()
        assert bench is not None
        save_json(paths[row], bench.score(row))
        print(f"{row}: {time.process_time() - start:.0f} CPU-seconds", flush=True)
    text = table({row: json.loads(path.read_text()) for row, path in paths.items() if path.exists()})
    (args.folder / "table.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
