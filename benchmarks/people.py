"""One model of three people, or one for each? From how many minutes of each, and for whom.

    nice python -m benchmarks.people                     # 5, 10 and 20 minutes of each, one seed
    python -m benchmarks.people --ways together "same codes" --minutes 5
    python -m benchmarks.people --table                  # only print what there is

Three made-up people (benchmarks/dyads.py) have the same face, blinks and shape of a nod. They differ in how they hold
their head, how likely a pause is answered by a nod and how late, and the same for smiles. Three ways to model them:

- together: one codebook and one predictor of all, put together by `l2l gather`, with a learned vector for each.
- same codes: a predictor for each person, on the codebook of all: what the predictor alone gains from the others.
- alone: a codebook and a predictor for each, as a user trains them who has one person.

With --codebook, one that is there already serves for together and same codes, at every number of minutes: then nats
can be compared down the table too, and only predictors are trained. The faces of all people here, and those of
benchmarks/quality.py, move alike, so that its codebook of `answers` will do.

Default settings. 10 recordings of a minute of each person to test on, the same for all, with 4 drawn listeners each.

- nats: of the true codes of test recordings, per frame, given all of their past. Together and same codes can be
  compared, alone has codes of its own. over: how much better with the speaker than without.
- nods, smiles, delay: the mean over people of how far the model is from the person's own habit, which is that of four
  other true listeners: probability of a nod after a pause, of a smile returned, and seconds until the nod is deepest.
- CPU-s: of all trainings; without the codebook, where it is that of all.
- Brackets: 95 %, over recordings and seeds together (benchmarks/measures.py).
"""

import argparse
import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import dyads, measures
from benchmarks.dyads import Habits, Speaker
from benchmarks.modern import Modern, measured_before, train
from benchmarks.quality import SHIFTS, shown
from benchmarks.recordings import FIRST_TRAINING_SEED, FRAMES, TEST_SEED
from l2l.config import Settings
from l2l.dataset.layout import WINDOW
from l2l.dataset.together import gather
from l2l.dataset.writer import Listening, write_dataset
from l2l.features.standardize import Standardizer
from l2l.files import save_json
from l2l.units import FPS

PEOPLE = {
    "eager": Habits(nods=0.9, nod_delay=(0.05, 0.25), smiles=0.3, posture=(-0.05, 0.05, 0.0)),
    "slow": Habits(nods=0.5, nod_delay=(0.45, 0.7), smiles=0.6, smile_lag=1.4, posture=(0.08, 0.0, 0.04)),
    "smiler": Habits(nods=0.15, stray_nods=0.02, smiles=0.95, smile_lag=0.4),
}
WAYS = ("together", "same codes", "alone")
MINUTES, TEST, SAMPLES = (5, 10, 20), 10, 4
_APART = 1000  # recordings of one person, before those of the next


def recording(person: str, seed: int, number: int) -> tuple[Speaker, np.ndarray]:
    """A speaker and how the person listens (T, 56)."""
    number += _APART * list(PEOPLE).index(person)
    speaker = dyads.speak(seed, number, FRAMES / FPS)
    return speaker, dyads.listen(seed, number, speaker, habits=PEOPLE[person])


def write(person: str, seed: int, minutes: int, folder: Path) -> None:
    """Training recordings of one person in the published layout; the person on the left listens."""

    def read(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        speaker, truth = recording(person, FIRST_TRAINING_SEED + seed, number)
        return truth, speaker.motion, speaker.audio

    starts = range(0, FRAMES - WINDOW + 1, WINDOW)
    write_dataset(
        folder, {("train", "left"): [Listening(f"{n:03d}", starts, partial(read, n)) for n in range(minutes)]}
    )


def write_together(seed: int, minutes: int, folder: Path) -> None:
    """Those of all of them, with `l2l gather`."""
    parts = {person: folder.with_name(f"{folder.name}_{person}") for person in PEOPLE}
    for person, part in parts.items():
        write(person, seed, minutes, part)
    gather({person: (part, "left") for person, part in parts.items()}, folder)
    for part in parts.values():
        shutil.rmtree(part)


class Bench:
    """One person's test recordings, and the person's own habit."""

    def __init__(self, person: str) -> None:
        self.person, self.habits = person, PEOPLE[person]
        found = [recording(person, TEST_SEED, number) for number in range(TEST)]
        self.speakers = [speaker for speaker, _ in found]
        self.truth = np.stack([truth for _, truth in found])  # (N, T, 56)
        self.unit = Standardizer.fit(self.truth)
        self.spoken = np.stack([speaker.motion for speaker in self.speakers])

    def others(self) -> np.ndarray:
        """(S, N, T, 56): how the person would have listened as well."""
        first = _APART * list(PEOPLE).index(self.person)
        return np.stack(
            [
                [dyads.listen(TEST_SEED, first + n, s, 1 + k, self.habits) for n, s in enumerate(self.speakers)]
                for k in range(SAMPLES)
            ]
        )

    def moved(self, raw: np.ndarray) -> dict[str, Any]:
        """Numbers of listeners (S, N, T, 56)."""
        samples, truth = self.unit.apply(raw), self.unit.apply(self.truth)
        return {
            "fd": measures.distances(samples, truth, self.spoken)["fd"],
            **measures.events(raw, self.speakers, self.habits),
            "delay": self.delays(raw),
        }

    def delays(self, raw: np.ndarray) -> dict[str, list[float]]:
        """Seconds from a pause to the deepest point of the first nod after it: sums and counts of each recording.

        The window is the same for everybody, or nobody could be too late.
        """
        least, most = dyads.nod_window(Habits(nod_delay=(0.05, 0.7)))
        sums, counts = np.zeros((2, len(self.speakers)))
        for n, speaker in enumerate(self.speakers):
            for motion in raw[:, n]:
                after = dyads.nod_peaks(motion)[None, :] - speaker.pauses[:, None]  # (pauses, nods)
                first = np.where((after >= least) & (after <= most), after, most + 1).min(1, initial=most + 1)
                sums[n] += first[first <= most].sum() / FPS
                counts[n] += (first <= most).sum()
        return {"hits": sums.tolist(), "counts": counts.tolist()}

    def score(self, model: Modern) -> dict[str, Any]:
        """All numbers of a model."""
        nats = model.likelihoods(self.speakers, self.truth, SHIFTS)
        return {
            "nats": {name: values.tolist() for name, values in nats.items()},
            **self.moved(model.sample(self.speakers, SAMPLES)),
        }


def run(
    folder: Path, benches: dict[str, Bench], way: str, minutes: int, seed: int, codebook: Path | None = None
) -> None:
    """The trainings of one way on so many minutes, and their scores; what is there is not done again.

    `codebook`: that of all ways; None: trained here.
    """
    settings, together = Settings().model_copy(update={"seed": seed}), folder / "together"
    given = together / "codebook.pt" if way == "same codes" and not codebook else codebook
    for person, bench in benches.items():
        scores = folder / _name(way) / f"{person}.json"
        if measured_before(scores):
            continue
        own = together if way == "together" else folder / _name(way) / person
        if given and not (own / "codebook.pt").exists():
            own.mkdir(parents=True, exist_ok=True)
            shutil.copy(given, own / "codebook.pt")
        if way == "together":
            train(own, partial(write_together, seed, minutes), settings, tuple(PEOPLE))
        else:
            train(own, partial(write, person, seed, minutes), settings)
        spent = json.loads((own / "training.json").read_text())
        found = bench.score(Modern(own, person if way == "together" else None))
        save_json(scores, found | {"cpu_seconds": sum(spent.values())})
        print(f"{minutes} minutes, seed {seed}, {way}, {person}: done", flush=True)


def _name(way: str) -> str:
    return way.replace(" ", "_")


def rates(scores: list[dict], name: str) -> float:
    """Hits per count, all recordings and trainings together."""
    return float(np.sum([s[name]["hits"] for s in scores]) / max(np.sum([s[name]["counts"] for s in scores]), 1e-9))


Scores = dict[str, list[dict]]  # of each person, one for each seed
HEAD = ["minutes of each", "way", "CPU-s", "nats", "over", "FD", "nods off by", "smiles off by", "delay off by, s"]


def table(folder: Path) -> str:
    """A line for each way: means over people. Then each person's own habits and what was drawn."""
    references = {person: [scores] for person, scores in json.loads((folder / "references.json").read_text()).items()}
    lines, details = [HEAD], [["minutes of each", "way", *(f"{p}: nods / smiles / delay" for p in PEOPLE)]]
    details.append(["-", "the person", *habits(references)])
    for minutes in sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()):
        for way in WAYS:
            files = {p: sorted((folder / str(minutes)).glob(f"*/{_name(way)}/{p}.json")) for p in PEOPLE}
            found = {p: [json.loads(file.read_text()) for file in files[p]] for p in PEOPLE}
            if all(found.values()):
                first = [f"{minutes} ({min(map(len, found.values()))})", way]
                lines.append([*first, *cells(way, found, references)])
                details.append([*first, *habits(found)])
    return "\n\n".join(
        "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])
        for rows in (lines, details)
    )


def habits(found: Scores) -> list[str]:
    """Of each person."""
    return [
        " / ".join(f"{rates(scores, name):.2f}" for name in ("nods", "smiles", "delay")) for scores in found.values()
    ]


def cells(way: str, found: Scores, references: Scores) -> list[str]:
    """The numbers of a line of the table."""
    seconds = [np.mean([score["cpu_seconds"] for score in scores]) for scores in found.values()]
    # All people's recordings beside each other: (seeds, people x recordings).
    true, without = (
        np.concatenate([[score["nats"][name] for score in scores] for scores in found.values()], axis=1)
        for name in ("with_speaker", "without_speaker")
    )
    off = {
        name: np.mean([abs(rates(found[p], name) - rates(references[p], name)) for p in PEOPLE])
        for name in ("nods", "smiles", "delay")
    }
    return [
        f"{np.mean(seconds) if way == 'together' else np.sum(seconds):.0f}",
        f"{true.mean():.4f}",
        shown(measures.interval(without - true), 4),
        f"{np.mean([score['fd'][0] for scores in found.values() for score in scores]):.2f}",
        *(f"{value:.2f}" for value in off.values()),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("results/people"), help="where everything is kept")
    parser.add_argument("--minutes", nargs="+", type=int, default=list(MINUTES), help="of each person")
    parser.add_argument("--seeds", type=int, default=1, help="trainings for each number of minutes")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS, help="together comes before same codes")
    parser.add_argument("--codebook", type=Path, help="a codebook.pt for all ways but alone; default: trained here")
    parser.add_argument("--table", action="store_true", help="only print")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.table:
        benches = {person: Bench(person) for person in PEOPLE}
        if not measured_before(args.folder / "references.json"):
            save_json(args.folder / "references.json", {p: bench.moved(bench.others()) for p, bench in benches.items()})
        for minutes, seed, way in [(m, s, w) for s in range(args.seeds) for m in args.minutes for w in args.ways]:
            if way != "alone" or not args.codebook:
                run(args.folder / str(minutes) / str(seed), benches, way, minutes, seed, args.codebook)
    text = table(args.folder)
    (args.folder / "table.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
