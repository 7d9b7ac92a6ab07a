"""Which recordings each person of a configuration has, which job takes them, and which are for testing.

The workflow asks while it is planned, for each file anew, so answers are remembered. Paths are relative to the folder
that the workflow works in.
"""

import shlex
from functools import cache
from pathlib import Path
from typing import get_args

from l2l.config import Config, Person
from l2l.dataset import by_hand
from l2l.dataset.layout import Split
from l2l.errors import UserError
from l2l.recordings.recordings import Recording, in_folder, in_sheet, split_of
from l2l.recordings.recordings import batches as split_into_jobs

RAW = Path("data/raw")


class Discovery:
    """Answers for the people of one configuration. All raise UserError when a person's recordings are amiss."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.recordings = cache(self._recordings)
        self.batches = cache(self._batches)
        self.split = cache(self._split)

    def person(self, name: str) -> Person:
        """One person of the configuration, or a published one. Raises UserError that lists who there is."""
        chosen = self._config.person(name)
        if name not in self._config.people and (RAW / name).exists():
            raise UserError(
                f"{RAW / name}/ holds recordings of your own, but config.yaml has no {name!r}; "
                f"add '{name}:' with 'listener: left' or 'listener: right' under people."
            )
        return chosen

    def _recordings(self, person: str) -> dict[str, Recording]:
        """The recordings of one person, by name."""
        chosen = self.person(person)
        if not chosen.has_videos:
            raise UserError(
                f"{person} comes from source {chosen.source}, which has no videos: preview.mp4 and what lies "
                f"under results/{person}/videos/ can only be made of source videos or demo."
            )
        if chosen.source == "demo":
            count = self._config.settings(person).demo.recordings
            names = [f"demo_{k:02d}" for k in range(count)]
            found = [Recording(name, str(RAW / person / f"{name}.mp4")) for name in names]
        else:
            found = in_sheet(Path(chosen.sheet), person) if chosen.sheet else in_folder(RAW / person)
        return {recording.name: recording for recording in found}

    def in_batches(self, person: str) -> bool:
        """Whether a person's recordings are so many that a job takes several, with all steps in one process."""
        try:
            return self._config.per_job(len(self.recordings(person))) > 0
        except UserError:
            return False  # what is wrong is said when this person is asked for

    def _batches(self, person: str) -> list[list[Recording]]:
        """The recordings of each job."""
        everything = list(self.recordings(person).values())
        jobs = split_into_jobs(len(everything), self._config.per_job(len(everything)))
        return [[everything[number] for number in numbers] for numbers in jobs]

    def batch_lines(self, person: str, batch: int) -> list[str]:
        """All that is said of a batch's recordings: what a sheet says can change while their files stay."""
        parts = self.split(person)["test"]
        return [f"{recording}, test: {recording.name in parts}" for recording in self.batches(person)[batch]]

    def batch_options(self, person: str, batch: int) -> str:
        """What `l2l preprocess` must be told to take the same recordings."""
        chosen = self.person(person)
        source = chosen.sheet or str(RAW / person)
        per_job = self._config.per_job(len(self.recordings(person)))
        words = [source, "--person", person, "--per-job", str(per_job), "--batch", str(batch)]
        return shlex.join([*words, *(["--test-videos", *chosen.test_videos] if chosen.test_videos else [])])

    def _split(self, person: str) -> dict[Split, list[str]]:
        """Names of the recordings for 'train' and for 'test'."""
        chosen, share = self.person(person), self._config.settings(person).chunking.test_share
        recordings = [] if chosen.source == "arrays" else list(self.recordings(person).values())
        try:
            if chosen.source == "arrays":
                return by_hand.split_recordings(RAW / person, chosen.test_videos, share)
            found = split_of(recordings, chosen.test_videos, share)
        except UserError as error:
            raise UserError(f"people.{person}: {error}") from None
        return {part: [name for name, side in found.items() if side == part] for part in get_args(Split)}
