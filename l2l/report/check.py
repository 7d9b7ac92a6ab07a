"""check: what a look at recordings says before anything is run, in sentences and as a contact sheet."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from l2l.config import Settings
from l2l.errors import UserError
from l2l.files import atomic
from l2l.recordings import pairs
from l2l.report.cards import Still
from l2l.report.glance import Glance, glance
from l2l.report.stills import annotated, clock, jpeg
from l2l.report.templates import fill
from l2l.sides import SIDES
from l2l.video.probing import Probe
from l2l.video.tracks import Seats

_SHORT, _SLOW, _SMALL, _FEW = 20.0, 24.0, 0.1, 0.75  # seconds, frames per second, of the height, of the moments
_CHANGE, _CUTS = 0.15, 0.15  # mean change of a coarse picture that is another view; share of moments
_SILENT = 1e-3  # root mean square, of 1


@dataclass
class Checked:
    """One recording on the contact sheet."""

    path: Path
    failed: str = ""  # why it cannot be used at all
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what needs nothing to be done
    facts: list[tuple[str, str]] = field(default_factory=list)
    stills: list[Still] = field(default_factory=list)


def check(videos: list[Path], out: Path, settings: Settings) -> list[Checked]:
    """Write the contact sheet. A recording that cannot be read is a sentence on it."""
    found = []
    for path in videos:
        try:
            found.append(checked(glance(path, settings)))
        except UserError as error:
            found.append(Checked(path, str(error)))
    with atomic(out) as partial:
        partial.write_text(fill("check.html", videos=found), encoding="utf-8")
    return found


def checked(seen: Glance) -> Checked:
    """What is said of one recording."""
    result = Checked(
        seen.path,
        warnings=[*_of_time(seen), *_of_picture(seen), *_of_sound(seen)],
        facts=[("length", clock(seen.seconds))],
    )
    for name, found in seen.probes.items():
        what, its = ("picture", "Its") if len(seen.probes) == 1 else (name, f"{name}: its")
        result.facts.append((what, f"{found.width} x {found.height}, {found.fps:.4g} frames per second"))
        result.warnings += _of_file(found, its)
        result.notes += _mended(found, its)
    if seen.aligned and seen.aligned.sure:
        result.facts.append(
            ("right starts", f"{seen.aligned.after:.2f} s after left (from {seen.aligned.how['from']})")
        )
    speakers = [moment.speaker for moment in seen.moments]
    result.facts += [(f"{side} speaks", f"at {speakers.count(n)} of {len(speakers)}") for n, side in enumerate(SIDES)]
    for moment in seen.moments:
        words = "nobody speaks" if moment.speaker is None else f"{SIDES[moment.speaker]} speaks"
        result.stills.append(Still(jpeg(annotated(moment.picture, moment.faces)), moment.seconds, words))
    return result


def _of_file(found: Probe, its: str) -> list[str]:
    """Warnings on one file; `its` begins a sentence about it."""
    said = []
    if found.fps < _SLOW:
        said.append(f"{its} {found.fps:.3g} frames per second are few. Nods and blinks are fast: record 25 or more.")
    if found.audio_seconds < found.seconds - 2:
        said.append(f"{its} sound ends {found.seconds - found.audio_seconds:.0f} s before the picture.")
    return said


def _mended(found: Probe, its: str) -> list[str]:
    """What is odd in one file, and needs nothing to be done."""
    said = []
    if not found.constant_rate:
        said.append(f"{its} frame rate varies. The workflow brings it to 30 frames per second.")
    if found.pixel_aspect != 1:
        said.append(f"{its} pixels are not square ({found.pixel_aspect:.3g} wide). The workflow corrects that.")
    if found.rotation:
        said.append(f"{its} picture is turned by {found.rotation}°. The workflow turns it too.")
    return said


def _of_time(seen: Glance) -> list[str]:
    said = []
    if seen.seconds < _SHORT:
        said.append(f"It lasts {seen.seconds:.0f} s. Little can be learnt from less than {_SHORT:.0f} s.")
    if seen.aligned and not seen.aligned.sure:
        said.append(
            "Neither microphone catches the other person, so both files are taken to start together. If they do not, "
            f"write the seconds by which right starts after left into {pairs.OFFSET} beside them."
        )
    return said


def _of_picture(seen: Glance) -> list[str]:
    moments, said = seen.moments, []
    both = sum(moment.both for moment in moments)
    faces = [face for moment in moments for face in moment.faces if face is not None]
    if not faces:
        return [f"No face is seen at any of {len(moments)} moments."]
    if not both:
        said.append("No second face is seen: both people must be in the picture, side by side.")
    elif both < _FEW * len(moments):
        said.append(f"Both faces are seen at {both} of {len(moments)} moments. Only such stretches are used.")
    height = float(np.median([np.ptp(face[:, 1]) for face in faces])) / moments[0].picture.shape[0]
    if height < _SMALL:
        said.append(f"The faces are small, {height:.0%} of the picture's height. Crop the video around both people.")
    if third := sum(moment.others > 0 for moment in moments):
        said.append(f"A third face is seen at {third} of {len(moments)} moments. Their voice may stay in the sound.")
    if refused := sum(moment.refused > 0 for moment in moments):
        said.append(
            f"A face that looks like a rendering or a statue is seen at {refused} of {len(moments)} "
            f"moments. It is not used. If it is a person's, lower tracking.min_person."
        )
    coarse = [cv2.resize(m.picture, (32, 18), interpolation=cv2.INTER_AREA).astype(float) / 255 for m in moments]
    views = sum(float(np.abs(a - b).mean()) > _CHANGE for a, b in itertools.pairwise(coarse))
    if views:  # without cuts a face is followed, and need not be known again
        said += _of_seats([moment.seats for moment in moments])
    if views > _CUTS * len(moments):
        said.append(f"The view changes between {views} of {len(moments) - 1} neighbouring moments: it seems to be cut.")
    return said


def _of_seats(seats: list[Seats]) -> list[str]:
    """Whether left and right are the same two people at every moment."""
    said, together = [], sum(seat != Seats.NOBODY for seat in seats)
    if other := seats.count(Seats.SOMEBODY_ELSE):
        said.append(f"Somebody else seems to be one of the two at {other} of {together} moments. Those are left out.")
    if unsure := seats.count(Seats.UNCERTAIN):
        said.append(f"Who is who cannot be told at {unsure} of {together} moments. Those are left out.")
    if swapped := seats.count(Seats.SWAPPED):
        said.append(
            f"The two have changed sides at {swapped} of {together} moments. Left and right stay with the person; "
            "look at the names on the faces."
        )
    return said


def _of_sound(seen: Glance) -> list[str]:
    moments = seen.moments
    if max(moment.loudness for moment in moments) < _SILENT:
        return ["It is silent: no sound at any moment."]
    if seen.aligned and all(moment.alike for moment in moments):
        return [
            "Both files seem to hold the same sound. Each needs the microphone of its own person, for that says who "
            "speaks; if there are none, put the two pictures side by side into one video."
        ]
    speakers = [moment.speaker for moment in moments if moment.speaker is not None]
    if not speakers:
        return ["Nobody is seen speaking at any moment. Is the sound of this video?"]
    alone = {SIDES[speaker] for speaker in speakers}
    if len(alone) == 1 and len(speakers) > 3:
        return [f"Only the person on the {alone.pop()} is seen speaking. A conversation needs two."]
    return []
