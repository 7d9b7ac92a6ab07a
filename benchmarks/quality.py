"""Does a model listen, and from how many minutes? Trained with the default settings on made-up dyads.

    python -m benchmarks.quality                                    # two sets, 5 to 180 minutes, three seeds
    python -m benchmarks.quality --set answers --minutes 20 --seeds 1
    python -m benchmarks.quality --set answers --minutes 180 --seeds 1 --released 700    # also the paper's architecture
    python -m benchmarks.quality --table                            # only print what there is

Sets: `answers` (benchmarks/dyads.py), nods after pauses and smiles returned; `coupled` (benchmarks/coupled.py), smiles
that go up and down together. Only where named: `talks` (benchmarks/talks.py), `answers` in conversations with silences
and own turns, of two minutes each; `turns`, the windows of the same conversations alone; `coupled_told`, `coupled` with
a speaker who shows what is followed and nothing else, an oracle. Seeded; a seed chooses the training recordings, of a
minute each, and the training. 20 recordings to test on (`--test`), the same for all, with 4 drawn listeners each.
Nothing is chosen on test recordings. A codebook and a predictor come from the commands of a user, with default
settings.

- nats: of a test recording's true codes, per frame, given all of their past. `without` is the model's own
  unconditional part. Only numbers on the same codes can be compared: a line's own with and without.
- over: how much better with the speaker than without. gain: how much worse with a speaker shifted by 8 to 51 s.
- In silence: nods per second while the speaker says nothing for 20 s, by the real-time `Listener`.
- Intervals: 95 %, over trainings and recordings (benchmarks/measures.py).

Each training and its numbers are kept in --folder, SET/MINUTES/SEED; what is there is not done again. A `codebook.pt`
put there is used.
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import measures
from benchmarks.modern import Modern, measured_before, train
from benchmarks.recordings import SETS, SILENCE, TEST, Conversations
from benchmarks.released import Released, released
from l2l.config import Settings
from l2l.features.standardize import Standardizer
from l2l.files import save_json

MINUTES = (5, 10, 20, 40, 180)
SAMPLES = 4  # listeners to each test recording
SHIFTS = (240, 560, 880, 1200, 1520)  # frames by which the speaker is shifted for the gain, circularly


class Bench:
    """The test recordings of a set, and everything that models are compared with."""

    def __init__(self, conversations: Conversations) -> None:
        self.conversations, self.asked = conversations, conversations.asked()
        found, silent = conversations.test(), conversations.silent()
        self.speakers = [speaker for speaker, _ in found]
        self.truth = np.stack([truth for _, truth in found])  # (N, T, 56)
        self.silent_speakers = [speaker for speaker, _ in silent]
        self.silent_truth = np.stack([truth for _, truth in silent])
        self.unit = Standardizer.fit(self.truth)
        speakers = np.stack([speaker.motion for speaker in self.speakers])
        self.spoken = Standardizer.fit(speakers).apply(speakers)

    def moved(self, raw: np.ndarray) -> dict[str, Any]:
        """Numbers of listeners (S, N, T, 56) to the test speakers."""
        samples = self.unit.apply(raw)
        return {
            **measures.distances(samples, self.unit.apply(self.truth), self.spoken),
            **measures.events(raw, self.speakers),
            "smiles_together": measures.smiles_together(raw, self.speakers),
            "seam": measures.phases(samples)["border"],
            "variety": measures.variety(samples),
        }

    def silence(self, motions: np.ndarray) -> dict[str, Any]:
        return {"silence": measures.nods_in_silence(motions, self.silent_speakers, SILENCE)}

    def references(self) -> dict[str, dict[str, Any]]:
        """The truth, other true listeners, and listeners to another speaker."""
        futures = self.conversations.futures(self.speakers, SAMPLES)
        return {
            "truth": self.moved(self.truth[None]) | self.silence(self.silent_truth),
            "other true listeners": self.moved(futures),
            "listeners to others": self.moved(np.roll(futures, 1, axis=1)),
        }

    def score(self, model: Modern | Released, folder: Path) -> dict[str, Any]:
        """All numbers of the models in `folder`."""
        nats = model.likelihoods(**self.asked, shifts=SHIFTS)
        decoded = model.through_codebook(self.truth)
        report = folder / "training.json"
        return {
            "cpu_seconds": json.loads(report.read_text()) if report.exists() else {},
            "nats": {name: values.tolist() for name, values in nats.items()},
            **self.moved(model.sample(self.speakers, SAMPLES)),
            **(self.silence(model.live(self.silent_speakers)) if isinstance(model, Modern) else {}),
            "fast_pitch": measures.fast_pitch(decoded, self.truth),
            "through_codebook": measures.events(decoded[None], self.speakers),
        }


def shown(value: list[float], digits: int = 2) -> str:
    """[value, low, high] as text."""
    numbers = [f"{round(v, digits) + 0.0:.{digits}f}" for v in value]  # + 0.0: no minus nought
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]"


def rate(scores: list[dict], name: str, digits: int = 2) -> str:
    """Hits per count, over trainings and recordings."""
    if not all(name in score for score in scores) or not sum(scores[0][name]["counts"]):
        return "-"
    hits, counts = (np.array([score[name][part] for score in scores]) for part in ("hits", "counts"))
    return shown(measures.interval(hits / np.maximum(counts, 1e-9), counts), digits)


def cells(scores: list[dict], futures: dict) -> list[str]:
    """A line of the table, of all trainings on so many minutes; `futures`: the true other listeners' numbers."""
    nats = [score["nats"] for score in scores if "nats" in score]
    likelihoods = ["-"] * 4
    if nats:
        true, shifted = (np.array([one[name] for one in nats]) for name in ("with_speaker", "shifted"))
        likelihoods = [f"{true.mean():.4f}", "-", "-", shown(measures.interval(shifted - true), 4)]
        if all("without_speaker" in one for one in nats):
            alone = np.array([one["without_speaker"] for one in nats])
            likelihoods[1:3] = f"{alone.mean():.4f}", shown(measures.interval(alone - true), 4)
    spent = [score.get("cpu_seconds", {}) for score in scores]
    seconds = [
        f"{np.mean([s[part] for s in spent]):.0f}" if all(part in s for s in spent) else "-"
        for part in ("codebook", "predictor")
    ]
    regions = [
        np.mean([score["variety"][region] for score in scores]) / true for region, true in futures["variety"].items()
    ]
    return [
        " + ".join(seconds) if nats else "-",
        *likelihoods,
        rate(scores, "nods"),
        rate(scores, "base", 3),
        rate(scores, "smiles"),
        " / ".join(f"{value:.2f}" for value in np.mean([score["smiles_together"] for score in scores], axis=0)),
        rate(scores, "silence", 3),
        shown(measures.interval_of_distances([score["fd"] for score in scores])),
        shown(measures.interval_of_distances([score["p_fd"] for score in scores])),
        f"{np.mean([score['seam'] for score in scores]):.2f}",
        " / ".join(f"{value:.2f}" for value in regions) if any(regions) else "-",
        f"{np.mean([score['fast_pitch'] for score in scores]):.2f}" if nats else "-",
    ]


HEAD = [
    "training minutes (trainings)", "CPU-s, codebook + predictor", "nats with", "nats without", "over unconditional",
    "gain", "nods after a pause", "at other moments", "smiles returned", "smiles together, 0 / 2 / 4 s",
    "nods per s in silence", "FD", "P-FD", "seam", "variety / true: exp / rot / jaw", "2-6 Hz pitch through codes",
]  # fmt: skip


def table(folder: Path) -> str:
    """Everything that is there of a set."""
    references = json.loads((folder / "references.json").read_text())
    futures = references["other true listeners"]
    lines = [HEAD, ["---"] * len(HEAD)]
    lines += [[name, *cells([scores], futures)] for name, scores in references.items()]
    for minutes in sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()):
        found = sorted((folder / str(minutes)).glob("*/scores.json"))
        if found:
            scores = [json.loads(path.read_text()) for path in found]
            lines.append([f"{minutes} ({len(found)})", *cells(scores, futures)])
    if (folder / "released/scores.json").exists():
        lines.append(["released", *cells([json.loads((folder / "released/scores.json").read_text())], futures)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("results/quality"), help="where everything is kept")
    parser.add_argument("--set", nargs="+", default=["answers", "coupled"], choices=list(SETS), dest="sets")
    parser.add_argument("--minutes", nargs="+", type=int, default=list(MINUTES), help="recordings to train on")
    parser.add_argument("--seeds", type=int, default=3, help="trainings for each number of minutes")
    parser.add_argument("--long-pauses", type=float, default=0.0, help="share of pauses that are long, in training")
    parser.add_argument("--test", type=int, default=TEST, help="recordings to test on; of one number in a folder")
    parser.add_argument(
        "--released", type=float, metavar="SECONDS", help="also the paper's, within so many CPU-seconds"
    )
    parser.add_argument("--table", action="store_true", help="only print")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for name in args.sets:
        conversations = Conversations(name, args.long_pauses, args.test)
        folder = args.folder / (f"{name}_{args.long_pauses:g}" if args.long_pauses else name)
        bench = None if args.table else Bench(conversations)
        if bench and not measured_before(folder / "references.json"):
            save_json(folder / "references.json", bench.references())
        for minutes, seed in [(m, s) for m in args.minutes for s in range(args.seeds)] if bench else []:
            own = folder / str(minutes) / str(seed)
            if not measured_before(own / "scores.json"):
                assert bench is not None
                settings = Settings().model_copy(update={"seed": seed})
                train(own, partial(conversations.write, seed=seed, minutes=minutes), settings)
                save_json(own / "scores.json", bench.score(Modern(own), own))
                print(f"{name}, {minutes} minutes, seed {seed}: done", flush=True)
        own = folder / "released"
        if bench and args.released and not measured_before(own / "scores.json"):
            model = released(own, conversations, max(args.minutes), args.released)
            save_json(own / "scores.json", bench.score(model, own))
        text = table(folder)
        (folder / "table.md").write_text(text + "\n")
        print(f"{name}\n\n{text}\n")


if __name__ == "__main__":
    main()
