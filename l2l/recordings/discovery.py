"""Which recordings each person of a configuration has, which job takes them, and which are for testing.

The workflow asks while it is planned, for each file anew, so answers are remembered. Paths are relative to the folder
that the workflow works in.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from l2l.config import Config, Person
from l2l.config.section import KNOW_NO_SPEAKER
from l2l.dataset import by_hand
from l2l.dataset.folds import FEW, MOST
from l2l.dataset.layout import SPLITS, Split
from l2l.dataset.split import is_alone
from l2l.errors import UserError
from l2l.recordings import pairs
from l2l.recordings.recordings import Recording, in_folder, in_sheet, with_split
from l2l.recordings.table import LISTED, NAMED, as_text, complaints, concerns, read_table, write_table
from l2l.video.media import length

RAW = Path("data/raw")


def digest(recordings: list[Recording], columns: list[str] = NAMED) -> str:
    """A few letters that change with anything that is said of recordings: a sheet can change while their files stay."""
    said = [[as_text(getattr(recording, column)) for column in columns] for recording in recordings]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


class Discovery:
    """Answers for the people of one configuration. All raise UserError when a person's recordings are amiss.

    listed: recordings come from results/<person>/recordings.tsv where it exists, so that a job of a cluster works on
    what was planned, though somebody has added a recording since.
    """

    def __init__(self, config: Config, listed: bool = False) -> None:
        self._config = config
        self._listed = listed
        self._before: dict[Path, int | None] = {}  # preprocess.tsv when the run started: its time, None without a file
        self._planned: set[str] = set()  # people whose recordings were asked for
        self.recordings = cache(self._recordings)
        self.batches = cache(self._batches)

    def person(self, name: str) -> Person:
        """One person of the configuration, or a published one. Raises UserError that lists who there is."""
        if name not in self._config.people and (RAW / name).exists():
            raise UserError(
                f"{RAW / name}/ holds recordings of your own, but config.yaml has no {name!r}; "
                f"add '{name}:' with 'listener: left' or 'listener: right' under people."
            )
        return self._config.person(name)

    def _recordings(self, person: str) -> list[Recording]:
        """The recordings of one person, with their split."""
        found = self._found(person)
        self._planned.add(person)
        return found

    def _found(self, person: str) -> list[Recording]:
        chosen, settings = self.person(person), self._config.settings(person)
        if not chosen.has_videos:
            raise UserError(f"{person} comes from source {chosen.source}, which has no videos to measure or preview.")
        if self._listed and _named(person).exists():
            return read_table(_named(person))
        if chosen.source == "demo":
            names = [f"demo_{k:02d}" for k in range(settings.demo.recordings)]
            found = [Recording(name, str(RAW / person / f"{name}.mp4")) for name in names]
        else:
            found = in_sheet(Path(chosen.sheet), person) if chosen.sheet else in_folder(RAW / person)
        try:
            return with_split(found, chosen.test_videos, settings.chunking.test_share)
        except UserError as error:
            raise UserError(f"people.{person}: {error}") from None

    def write_tables(self) -> None:
        """Write results/<person>/recordings.tsv of everybody whose recordings were asked for, where it has changed."""
        for person in self._planned:
            found, summary = self.recordings(person), _named(person).with_name("preprocess.tsv")
            self._before[summary] = summary.stat().st_mtime_ns if summary.exists() else None
            try:
                same = digest(read_table(_named(person)), LISTED) == digest(found, LISTED)
            except UserError:  # missing or damaged
                same = False
            if not same:
                write_table(_named(person), found, LISTED)

    def movable(self, person: str) -> bool:
        """Whether a recording may change sides when all usable ones are on one: the user has not said where it is."""
        return all(recording.split_by == "share" for recording in self.recordings(person))

    def films(self, person: str) -> dict[str, list[Recording]]:
        """The recordings of each job that makes a demo's, whether or not anybody asks for them."""
        return self._in_jobs(person, self._found(person))

    def _batches(self, person: str) -> dict[str, list[Recording]]:
        """The recordings of each job of a step. A job has its recording's name when each has one, else a number."""
        return self._in_jobs(person, self.recordings(person))

    def _in_jobs(self, person: str, found: list[Recording]) -> dict[str, list[Recording]]:
        jobs = -(-len(found) // self._config.per_job(person, len(found)))
        parts = [found[len(found) * k // jobs : len(found) * (k + 1) // jobs] for k in range(jobs)]
        if jobs == len(found):
            return {part[0].name: part for part in parts}
        return {f"{number:04d}": part for number, part in enumerate(parts)}

    def batch(self, person: str, name: str) -> list[Recording]:
        """The recordings of one job."""
        if name not in self.batches(person):
            raise UserError(f"{person} has no recording, or batch of recordings, called {name!r}.")
        return self.batches(person)[name]

    def tables(self, person: str, step: str) -> list[str]:
        """The tables that a step leaves of all recordings."""
        return [f"results/{person}/steps/{step}/{name}.tsv" for name in self.batches(person)]

    def split(self, person: str) -> dict[Split, list[str]]:
        """Names of the recordings for 'train' and for 'test', as planned."""
        chosen, share = self.person(person), self._config.settings(person).chunking.test_share
        if chosen.source == "arrays":
            try:
                return by_hand.split_recordings(RAW / person, chosen.test_videos, share)
            except UserError as error:
                raise UserError(f"people.{person}: {error}") from None
        found = self.recordings(person)
        return {split: [recording.name for recording in found if recording.split == split] for split in SPLITS}

    def alone(self, person: str) -> bool:
        """Whether the person's one recording is divided by time into training and test."""
        return is_alone(self.split(person), self._config.settings(person).chunking.test_share)

    def need_test(self, person: str) -> None:
        """Raise UserError where nothing is for testing: hearing that after hours of training would hurt."""
        chosen = self.person(person)
        if chosen.source == "people":
            for name in chosen.people:
                self.need_test(name)
        elif chosen.source != "published" and not self.split(person)["test"] and not self.alone(person):
            where = chosen.sheet or f"data/raw/{person}/"
            lacks = f"{where} holds one recording of {person}, and chunking.test_share is 0; raise it"
            if len(self.split(person)["train"]) > 1:
                lacks = f"{where} has no line of {person} whose split is test; write test in one"
            raise UserError(f"{lacks}, or stop earlier: data/{person}/train/p0_list_faces_clean_deca.npy.")

    def folds(self, person: str) -> int:
        """How many models are cross-validated to tell whether the person's listens; 0: none.

        auto: one for each recording, at most MOST, where few are for testing and models of patches are trained here;
        MOST for one that is alone.
        """
        chosen, settings = self.person(person), self._config.settings(person)
        wanted = settings.evaluation.folds
        if chosen.models == "released":
            return 0
        if wanted != "auto":
            return wanted
        members = [chosen] if chosen.source != "people" else [self.person(name) for name in chosen.people]
        if settings.architecture not in KNOW_NO_SPEAKER or any(member.is_published for member in members):
            return 0
        names = chosen.people or (person,)
        count = {part: sum(len(self.split(name)[part]) for name in names) for part in SPLITS}
        if sum(count.values()) == 1:
            return MOST if self.alone(names[0]) else 0
        return 0 if count["test"] >= FEW else min(sum(count.values()), MOST)

    def folds_said(self, person: str, seconds_of_training: Callable[[float], float]) -> str:
        """What a plan says of the folds of a person; empty without any.

        `seconds_of_training`: how long one training takes for so many minutes of listening.
        """
        if not (count := self.folds(person)):
            return ""
        said = f"{person}: {count}-fold cross-validation of whether the model listens"
        if not self.person(person).people and self.alone(person):
            said += f", over 1 recording: {count} blocks of time, which say nothing of other conversations"
        elif self.person(person).has_videos:
            said += f", over {len(self.recordings(person))} recordings"
        if not self.person(person).has_videos:
            return f"{said} (evaluation.folds)"
        found, demo = self.recordings(person), self._config.settings(person).demo
        made = self.person(person).source == "demo"
        seconds = [demo.seconds if made else duration(recording) for recording in found]
        known = [length for length in seconds if length]
        if len(known) < len(found):
            return f"{said} (evaluation.folds)"
        minutes = count * seconds_of_training(sum(known) / 60 / 2 * (count - 1) / count) / 60
        about = f"about {minutes:.0f} minutes" if minutes >= 1.5 else "about 1 minute"
        return f"{said}; {about} of one core (evaluation.folds)"

    def last_words(self) -> list[str]:
        """Warnings, which recordings are left out, and why, as tables say that were written since `write_tables`."""
        said = []
        for table, before in sorted(self._before.items()):
            if not table.exists() or table.stat().st_mtime_ns == before:
                continue
            try:
                said += concerns(found := read_table(table))
                if left_out := complaints(found):
                    used = sum(recording.status == "ok" for recording in found)
                    said += [f"{table}: {used} of {len(found)} recordings are used.", *left_out]
            except UserError as error:
                said.append(str(error))
        return said


def duration(recording: Recording) -> float | None:
    """Seconds, as the sheet or the head of the file says; None when neither does."""
    if recording.start is not None and recording.end is not None:
        return recording.end - recording.start
    known = [length(file) for file in recording.files_there if pairs.is_video(file)]
    if not known or not (whole := min(each or 0.0 for each in known)):
        return None
    return min(recording.end or whole, whole) - (recording.start or 0)


def _named(person: str) -> Path:
    return Path("results", person, "recordings.tsv")
