"""What there is of a run: the files of results/<person>/ that the report is made of. Any of them may be missing.

A file that is there and cannot be read is a sentence of the report, and never its end.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from l2l.config import Settings, as_pairs, differences
from l2l.dataset.layout import SPLITS, chunk_paths, load_chunks
from l2l.dataset.seats import recording_folder
from l2l.errors import UserError, last_words
from l2l.evaluation.report import read_report
from l2l.recordings.recordings import Recording
from l2l.recordings.steps import STEPS
from l2l.recordings.table import read_table
from l2l.sides import SIDES, Side

TRAINED = ("codebook", "predictor")
Points = list[tuple[float, float]]


@dataclass
class Run:
    """One person's results."""

    person: str
    folder: Path
    chunks: Path  # data/<person>, the windows
    settings: Settings
    listener: Side | None  # None: not known
    recordings: list[Recording] = field(default_factory=list)
    evaluation: dict[str, Any] | None = None  # eval.json
    windows: dict[str, Counter[str]] = field(default_factory=dict)  # recording: windows in which left or right listens
    curves: dict[str, dict[str, Points]] = field(default_factory=dict)  # model: name of the curve: (step, value)
    trouble: list[str] = field(default_factory=list)  # sentences: steps that failed, files that cannot be read

    def attempt(self, read: Callable[..., Any], path: Path, *more: Any) -> Any:
        """What `read` makes of a file; None where there is none. One that is damaged is remembered as trouble."""
        if not path.exists():
            return None
        try:
            return read(path, *more)
        except UserError as error:
            self.trouble.append(str(error))
            return None

    def of(self, name: str) -> Path:
        """The folder of a recording; of several people, in the results of whose it is."""
        return recording_folder(self.folder, name)

    def seat(self, name: str) -> Side | None:
        """Where the person sits in a recording."""
        return next((row.listener for row in self.recordings if row.name == name and row.listener), self.listener)

    @property
    def changed(self) -> list[str]:
        """The settings that are not the defaults, as `section.key=value`."""
        return as_pairs(differences(self.settings, tuple(Settings.model_fields)))


def read_run(folder: Path, chunks: Path, settings: Settings, listener: Side | None = None) -> Run:
    """All that can be read. Raises UserError when there is no such folder."""
    if not folder.is_dir():
        raise UserError(f"{folder}/ is no folder of results; run the workflow first, or name another.")
    run = Run(folder.resolve().name, folder, chunks, settings, listener)
    logs = sorted((folder / "logs").rglob("*.log"))
    run.trouble += dict.fromkeys(filter(None, map(last_words, logs)))
    run.recordings = _recordings(run)
    run.evaluation = run.attempt(read_report, folder / "eval.json")
    if run.evaluation and not run.listener:
        run.listener = run.evaluation["listener"]
    run.windows = _windows(run)
    run.curves = {model: _curves(folder / "tensorboard" / model) for model in TRAINED}
    return run


def _recordings(run: Run) -> list[Recording]:
    """What is known of each recording: of all steps, or, where these are not done, of those that are."""
    if found := run.attempt(read_table, run.folder / "preprocess.tsv"):
        return sorted(found, key=lambda recording: recording.name)
    tables = [run.folder / "recordings.tsv"]
    tables += [table for step in STEPS for table in sorted((run.folder / "steps" / step).glob("*.tsv"))]
    rows = [row for table in tables for row in run.attempt(read_table, table) or ()]
    last = {row.name: row for row in rows} | {row.name: row for row in rows if row.status != "ok"}
    return [last[name] for name in sorted(last)]


def _windows(run: Run) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for split in SPLITS:
        for side in SIDES:
            if not chunk_paths(run.chunks, split, side)["listener"].exists():
                continue
            try:
                names, counts = np.unique(load_chunks(run.chunks, split, side).videos, return_counts=True)
            except UserError as error:
                run.trouble.append(str(error))
                continue
            for name, count in zip(names.tolist(), counts.tolist(), strict=True):
                found.setdefault(name, Counter())[side] += count
    return found


def _curves(folder: Path) -> dict[str, Points]:
    """The curves of one training, from what it left for tensorboard; of one that was resumed, joined."""
    if not folder.is_dir():
        return {}
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.WARNING)  # it says where each file ends
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    curves = {name: found.Scalars(name) for name in found.Tags()["scalars"]}
    return {
        name: [(event.step, event.value) for event in events if np.isfinite(event.value)]
        for name, events in curves.items()
    }
