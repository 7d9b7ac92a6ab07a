"""A card for each recording: what was found in it, its worst moments, and what a person should look at."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from l2l.errors import UserError
from l2l.recordings.recordings import Recording
from l2l.report.run import Run
from l2l.report.stills import annotated, clock, jpeg
from l2l.report.timeline import TimeLine, time_line
from l2l.sides import SIDES
from l2l.speech.intervals import intervals
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.units import FPS
from l2l.video.media import read_frames
from l2l.video.tracks import Tracks, load_tracks

MOST = 48  # cards with pictures; of more recordings, those with something amiss come first
# Below or above these a card says so.
_SEEN, _SPEAKS, _BOTH, _WIDE, _CUTS = 0.95, 0.1, 0.25, 0.1, 3.0
_CERTAIN = 0.9  # score of a face that there is no doubt about
_ORDER = {"failed": 0, "excluded": 1, "ok": 2}


@dataclass(frozen=True)
class Still:
    """A moment of a recording."""

    picture: str  # data URI
    seconds: float
    words: str

    @property
    def clock(self) -> str:
        return clock(self.seconds)


@dataclass
class Card:
    """What the report shows of one recording."""

    recording: Recording
    facts: list[tuple[str, str]] = field(default_factory=list)
    concerns: list[str] = field(default_factory=list)
    line: TimeLine | None = None
    stills: list[Still] = field(default_factory=list)

    @property
    def place(self) -> tuple[int, int, str]:
        """What is worst comes first."""
        return _ORDER[self.recording.status], -len(self.concerns), self.recording.name


def cards(run: Run) -> list[Card]:
    """One for each recording, the worst first; pictures are on the first `MOST`."""
    found: list[Card] = []
    tracked: dict[str, Tracks] = {}
    spoken: dict[str, np.ndarray] = {}
    for recording in run.recordings:
        card, folder = Card(recording), run.of(recording.name)
        found.append(card)
        tracks = run.attempt(load_tracks, folder / "tracks.npz")
        probability = run.attempt(load_speaking, folder / "speaking.npz")
        card.concerns += [sentence for sentence in (recording.reason, *recording.warnings.split("; ")) if sentence]
        if recording.seconds:
            card.facts.append(("length", clock(recording.seconds)))
        if tracks is None or not len(tracks):
            continue
        card.line = time_line(tracks.found, tracks.segment, probability)
        _seen(card, tracks)
        if probability is not None:
            spoken[recording.name] = probability
            _said(card, probability)
        _windows(card, run)
        tracked[recording.name] = tracks
    found.sort(key=lambda card: card.place)
    for card in [card for card in found if card.recording.name in tracked][:MOST]:
        tracks = tracked[card.recording.name]
        try:
            card.stills = stills(run.of(card.recording.name) / "video.mp4", tracks, spoken.get(card.recording.name))
        except UserError as error:
            run.trouble.append(str(error))
    return found


def _seen(card: Card, tracks: Tracks) -> None:
    share, cuts = float(tracks.found.all(1).mean()), int((np.diff(tracks.segment) != 0).sum())
    card.facts.append(("both seen", f"{share:.0%}"))
    if share < _SEEN:
        fewer = int(tracks.found.sum(0).argmin())
        card.concerns.append(
            f"Both faces are seen in {share:.0%} of the frames; the one on the {SIDES[fewer]} is missing most."
        )
    per_minute = cuts * 60 * FPS / len(tracks)
    if cuts:
        card.facts.append(("cuts", str(cuts)))
    if per_minute > _CUTS:
        card.concerns.append(f"It cuts {per_minute:.0f} times a minute; windows lie only between cuts.")
    for person, side in enumerate(SIDES):
        known = tracks.found[:, person]
        if not known.any():
            continue
        height = float(np.median(tracks.box[known, person, 3] - tracks.box[known, person, 1])) / tracks.height
        if height < _WIDE:
            card.concerns.append(
                f"The face on the {side} is small, {height:.0%} of the picture's height; crop the video around both."
            )


def _said(card: Card, probability: np.ndarray) -> None:
    speaks = probability >= SPEAKS
    for person, side in enumerate(SIDES):
        share, seconds = float(speaks[:, person].mean()), speaks[:, person].sum() / FPS
        card.facts.append((f"{side} speaks", f"{clock(seconds)} ({share:.0%})"))
        if share < _SPEAKS:
            card.concerns.append(f"The person on the {side} is heard in {share:.0%} of it.")
    if (both := float(speaks.all(1).mean())) > _BOTH:
        card.concerns.append(f"Both speak at once in {both:.0%} of it; is the sound of the right video?")


def _windows(card: Card, run: Run) -> None:
    if not run.windows or card.recording.status != "ok":
        return
    own = run.windows.get(card.recording.name, Counter())
    card.facts.append(("windows", ", ".join(f"{side} {own.get(side, 0)}" for side in SIDES)))
    seat = run.seat(card.recording.name)
    if seat and not own.get(seat, 0):
        card.concerns.append(f"No window: the person on the {seat} never listens long enough, seen with the other.")


def stills(video: Path, tracks: Tracks, probability: np.ndarray | None) -> list[Still]:
    """Pictures of `moments`; none where the video is not kept."""
    if not video.exists():
        return []
    found = []
    for frame, words in moments(tracks, probability)[:3]:
        picture = next(read_frames(video, frame), None)
        if picture is None:
            continue
        landmarks, seen = tracks.landmarks_at(frame), tracks.found[frame]
        faces = [landmarks[person] if seen[person] else None for person in range(len(SIDES))]
        found.append(Still(jpeg(annotated(picture, faces)), frame / FPS, words))
    return found


def moments(tracks: Tracks, probability: np.ndarray | None = None) -> list[tuple[int, str]]:
    """Frames to look at, and why: the longest gap, faces that are not certain, the longest speech of each person."""
    found = []
    if gaps := intervals(np.asarray(~tracks.found.all(1))):
        start, end = max(gaps, key=lambda gap: gap[1] - gap[0])
        frame = (start + end) // 2
        missing = " and ".join(side for n, side in enumerate(SIDES) if not tracks.found[frame, n])
        found.append((frame, f"{missing} not seen for {(end - start) / FPS:.1f} s"))
    both = np.flatnonzero(tracks.found.all(1))
    if len(both):
        score = tracks.score[both].min(1)
        if score.min() < _CERTAIN:
            found.append((int(both[score.argmin()]), f"faces least certain ({score.min():.2f})"))
    speaks = np.zeros((1, len(SIDES))) if probability is None else probability[: len(tracks)]
    for person, side in enumerate(SIDES):
        if spoken := intervals(np.asarray(speaks[:, person] >= SPEAKS)):
            start, end = max(spoken, key=lambda speech: speech[1] - speech[0])
            found.append(((start + end) // 2, f"{side} speaks"))
    return found or [(len(tracks) // 2, "in the middle")]
