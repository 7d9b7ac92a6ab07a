"""Does a model listen to real people? 15 pairs in a video call, cross-validated by pair.

    python -m benchmarks.real_pairs --data dyads.npz               # 5 trainings
    python -m benchmarks.real_pairs --data dyads.npz --folds 0     # one of them: 12 pairs to train on, 3 to test on

Data: C. Diao, S. A. Arboleda, A. Raake, "Nonverbal Dynamics in Dyadic Videoconferencing Interaction" (ICMI '24), their
repository nonverbal-dynamics-VC-resolution, MIT licence. It is not part of this project. --data is an .npz of `au` (N,
T, 2 persons, 2), hundredths of the intensity of AU12 and AU06, `body_motion` (N, T, 2), pixels that change, and `name`
(N,), pairNN_resolution; N conversations, 30 fps. There is no sound, and who speaks is not known.

- Each person listens to the other: two recordings of each conversation. AU12 becomes 25 channels of expression, AU06
  the other 25, and body motion the six of pose; the codebook then weighs them as it weighs a face.
- All recordings of a pair are for training, for validation, or for the test.
- over: how much better than without the speaker, in nats per frame of the true codes. gain: how much worse with
  another speaker: `other`, the same person in the pair's other conversations at the same time, which keeps what is slow
  (mood, warming up); `10 s` and so on, the same conversation, shifted circularly.
- Numbers are for each test pair; intervals are 95 %, percentile bootstraps over pairs, of which there are few.
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import measures
from benchmarks.modern import measured_before, nats, train
from benchmarks.quality import shown
from l2l import config
from l2l.config import Settings
from l2l.dataset.layout import WINDOW, chunk_paths
from l2l.dataset.writer import Listening, write_dataset
from l2l.errors import UserError
from l2l.features.sound import frame_sound
from l2l.files import save_json
from l2l.patches.checkpoint import load_models
from l2l.units import AUDIO_PER_FRAME, FPS, MEL_BANDS, MODEL_DIM, PATCH

FOLDS = 5
SHIFTS = (10, 30, 60)  # seconds
APART = 100_000  # frame numbers between two conversations of a pair, so that they are not joined


class Pairs:
    """The conversations, as faces."""

    def __init__(self, path: Path) -> None:
        """Raises UserError when the file is missing or does not hold what it should."""
        if not path.exists():
            raise UserError(f"{path} is missing; get the data named in `--help` and give its place with --data.")
        with np.load(path, allow_pickle=False) as file:
            missing = {"au", "body_motion", "name"} - set(file.files)
            if missing:
                raise UserError(f"{path} has no array {sorted(missing)[0]!r}; see `--help` for what it must hold.")
            units, body = file["au"] / np.float32(100), file["body_motion"]
            self.pairs = np.array([str(name).split("_")[0] for name in file["name"]])
        frames = units.shape[1] // WINDOW * WINDOW
        faces = np.empty((len(units), frames, 2, MODEL_DIM), np.float32)
        faces[..., :50:2], faces[..., 1:50:2] = units[:, :frames, :, :1], units[:, :frames, :, 1:]
        faces[..., 50:] = np.log1p(body[:, :frames, :, None] / np.float32(100))
        self.faces = faces.transpose(0, 2, 1, 3)  # (N, 2 persons, T, 56)

    def names(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs to train on, and to test on."""
        names = np.unique(self.pairs)
        test = names[fold::FOLDS]
        return np.setdiff1d(names, test), test

    def write(self, folder: Path, fold: int) -> None:
        """Training recordings in the published layout, named after their pairs."""
        chosen = np.flatnonzero(np.isin(self.pairs, self.names(fold)[0]))
        frames = self.faces.shape[2]
        starts = range(0, frames - WINDOW + 1, WINDOW)

        def read(number: int, listener: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            return self.faces[number, listener], self.faces[number, 1 - listener], silence(frames)

        both = [(int(number), listener) for number in chosen for listener in (0, 1)]
        found = [Listening(self.pairs[n], starts, partial(read, n, listener)) for n, listener in both]
        write_dataset(folder, {("train", "left"): found})
        path = chunk_paths(folder, "train", "left")["files"]
        files = np.load(path).reshape(len(both), -1, 3)
        numbers = APART * np.arange(len(both))[:, None] + np.arange(frames)
        files = files.astype(f"<U{max(len(str(numbers.max())), *map(len, self.pairs))}")
        files[..., 2] = numbers.astype(str)
        np.save(path, files.reshape(-1, WINDOW, 3))

    def score(self, folder: Path, fold: int) -> dict[str, dict[str, list[float]]]:
        """Nats per frame of each test pair's recordings, by the speaker that the model of `folder` is given."""
        models = load_models(folder / "codebook.pt", folder / "predictor.pt")
        found: dict[str, dict[str, list[float]]] = {}
        for pair in self.names(fold)[1]:
            own = self.faces[self.pairs == pair]  # (n, 2, T, 56)
            listening = own.reshape(-1, *own.shape[2:])
            speaking = own[:, ::-1].reshape(listening.shape)
            others = [np.roll(own[:, ::-1], k, axis=0).reshape(listening.shape) for k in range(1, len(own))]
            frames = listening.shape[1] // PATCH * PATCH
            sound = frame_sound(silence(frames)[None], models.power).repeat(len(listening), 0)
            codes = models.codebook.encode(torch.from_numpy(models.listener.apply(listening[:, :frames])))

            def of(faces: np.ndarray, with_speaker: bool = True, codes=codes, sound=sound) -> np.ndarray:
                return nats(models, faces[:, : sound.shape[1]], sound, codes, with_speaker)

            numbers = {"with": of(speaking), "without": of(speaking, False)}
            if others:
                numbers["other"] = np.mean([of(faces) for faces in others], axis=0)
            numbers |= {f"{s} s": of(np.roll(speaking, s * FPS, axis=1)) for s in SHIFTS}
            found[str(pair)] = {name: values.tolist() for name, values in numbers.items()}
        return found


def silence(frames: int) -> np.ndarray:
    """(4 T, 128) mel power of no sound."""
    return np.zeros((frames * AUDIO_PER_FRAME, MEL_BANDS), np.float32)


def report(scores: dict[str, dict[str, list[float]]]) -> tuple[dict[str, Any], str]:
    """Numbers by pair and over all pairs, and their table."""
    by_pair = {pair: {name: float(np.mean(v)) for name, v in one.items()} for pair, one in sorted(scores.items())}
    controls = [name for name in next(iter(by_pair.values())) if name not in ("with", "without")]
    rows = {"over": ("without", "with"), **{f"gain, {name}": (name, "with") for name in controls}}
    differences = {row: {p: one[a] - one[b] for p, one in by_pair.items()} for row, (a, b) in rows.items()}
    intervals = {row: measures.interval(np.array([list(found.values())])) for row, found in differences.items()}
    means = {name: float(np.mean([one[name] for one in by_pair.values()])) for name in ("with", "without")}
    lines = [["pair", "nats with", "nats without", *rows], ["---"] * (3 + len(rows))]
    for pair, one in by_pair.items():
        numbers = [f"{found[pair]:.4f}" for found in differences.values()]
        lines.append([pair, f"{one['with']:.4f}", f"{one['without']:.4f}", *numbers])
    last = [shown(value, 4) for value in intervals.values()]
    lines.append([f"all {len(by_pair)}", f"{means['with']:.4f}", f"{means['without']:.4f}", *last])
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return {"pairs": by_pair, "nats": means, "intervals": intervals}, text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="dyads.npz")
    parser.add_argument("--folder", type=Path, default=Path("results/real_pairs"), help="where everything is kept")
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(FOLDS)), choices=range(FOLDS))
    parser.add_argument("--max-steps", type=int, help="of each training, instead of the default")
    args = parser.parse_args()
    torch.set_num_threads(1)
    try:
        pairs = Pairs(args.data)
    except UserError as error:
        parser.exit(1, f"{error}\n")
    settings = Settings()
    if args.max_steps:
        limit = {"training": {"max_steps": args.max_steps}}
        changes = {"codebook": limit, "predictor": limit}
        settings = Settings.model_validate(config.merge(settings.model_dump(), changes))
    scores: dict[str, dict[str, list[float]]] = {}
    for fold in args.folds:
        own = args.folder / str(fold)
        if not measured_before(own / "scores.json"):
            train(own, partial(pairs.write, fold=fold), settings)
            save_json(own / "scores.json", pairs.score(own, fold))
            print(f"fold {fold}: done", flush=True)
        scores |= json.loads((own / "scores.json").read_text())
    numbers, text = report(scores)
    save_json(args.folder / "real_pairs.json", numbers)
    print(text)


if __name__ == "__main__":
    main()
