"""What a reader should know of a recording that is used all the same: sentences for the table."""

from pathlib import Path

import numpy as np
import soundfile

from l2l.units import SAMPLE_RATE
from l2l.video.footage import said
from l2l.video.normalise import can_tone_map
from l2l.video.tracks import Cast, Seats

_QUIET = 3  # of 32768: silence that was filled in, and what resampling leaves of it
_LOUD = 32_700  # of 32768: a sample that is at the end of its range
_LATE, _EARLY = 0.4, 1.0  # seconds without any sound at the beginning, at the end
_CLIPPED = 1e-3  # share of samples
_REFUSED = 0.05  # share of frames


def picture_warnings(report: Path) -> list[str]:
    """Sentences on the picture of a normalised recording, of which probe.json is the report."""
    found = said(report).get("probe", {})
    hdr = any(each.get("hdr") for each in (found, found.get("left", {}), found.get("right", {})))
    if not hdr or can_tone_map():
        return []
    return [
        "its picture is HDR, which this ffmpeg cannot convert (it lacks zscale): convert it to SDR if faces are missed"
    ]


def sound_warnings(wav: Path) -> list[str]:
    """Sentences, the worst first, on the sound (16 kHz mono) of a normalised recording."""
    first, last, loud, length = None, 0, 0, 0
    with soundfile.SoundFile(wav) as file:
        for block in file.blocks(SAMPLE_RATE * 60, dtype="int16"):
            level = np.abs(block.astype(np.int32))
            heard = np.flatnonzero(level > _QUIET)
            if len(heard):
                first = length + int(heard[0]) if first is None else first
                last = length + int(heard[-1]) + 1
            loud += int((level >= _LOUD).sum())
            length += len(block)
    if first is None:
        return ["its sound is silent"]
    words = []
    if (missing := (length - last) / SAMPLE_RATE) >= _EARLY:
        words.append(f"its sound ends {missing:.1f} s before its picture")
    if (missing := first / SAMPLE_RATE) >= _LATE:
        words.append(f"its sound begins {missing:.1f} s after its picture")
    if (share := loud / length) >= _CLIPPED:
        words.append(f"its sound is clipped in {share:.1%} of its samples")
    return words


def people_warnings(cast: Cast, left_out: float) -> list[str]:
    """Sentences, the worst first, on who is seen in a recording; `left_out` is a share of its frames."""
    words, scenes = [], cast.seats.tolist()
    if left_out:
        other, unsure = (scenes.count(seat) for seat in (Seats.SOMEBODY_ELSE, Seats.UNCERTAIN))
        why = [f"somebody else seems to sit there in {_scenes(other)}"] if other else []
        why += [f"who is who cannot be told in {_scenes(unsure)}"] if unsure else []
        words.append(f"{left_out:.0%} of its frames are left out: {' and '.join(why)}")
    if cast.strangers >= _REFUSED:
        words.append(
            f"somebody else has taken a place without a cut in {cast.strangers:.0%} of its frames, which are left out"
        )
    if cast.refused >= _REFUSED:
        words.append(
            f"a face that looks like a rendering or a statue is seen in {cast.refused:.0%} of its frames and left out "
            "(if it is a person's, lower tracking.min_person)"
        )
    if swapped := scenes.count(Seats.SWAPPED):
        words.append(f"the two people change sides in {_scenes(swapped)}: left and right stay with the person")
    return words


def _scenes(count: int) -> str:
    return "1 scene" if count == 1 else f"{count} scenes"
