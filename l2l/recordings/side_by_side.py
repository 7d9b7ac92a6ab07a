"""normalise, of one conversation in two files: one picture side by side, and the sound of each person's microphone.

Run it alone: `l2l normalise folder --out work`, where folder holds left.mp4 and right.mp4. It writes `video.mp4`,
`audio.wav` (both microphones), `voice_left.wav`, `voice_right.wav` and, last, `probe.json`. Only the time that both
files have in common is kept.
"""

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import ffmpeg

from l2l import config
from l2l.errors import UserError
from l2l.files import atomic, save_json, scratch
from l2l.recordings import pairs
from l2l.sides import SIDES
from l2l.speech import offset
from l2l.video.footage import VOICES
from l2l.video.media import Limits, run_ffmpeg
from l2l.video.normalise import SOUND, check_limits, coding, count_frames, mixed, picture, samples_for, sound
from l2l.video.probing import Probe, probe

log = logging.getLogger(__name__)
_NOTHING = "nothing: taken to start together"
_SHORTEST = 1.0  # seconds that two files must have in common


class Aligned(NamedTuple):
    """Two files of one conversation, and the time that they have in common."""

    sources: tuple[Path, Path]  # left, right
    probes: list[Probe]
    begins: list[float]  # seconds of each file at which the common time begins
    seconds: float  # of it
    after: float  # seconds by which right starts after left
    how: dict[str, object]  # how that is known, for probe.json

    @property
    def sure(self) -> bool:
        """Whether it is known at all."""
        return self.how["from"] != _NOTHING


def aligned(folder: Path, settings: config.VideoSettings) -> Aligned:
    """Raises UserError naming the folder or the file that cannot be used."""
    sources = pairs.both(folder)
    found = [probe(source) for source in sources]
    for source, each in zip(sources, found, strict=True):
        check_limits(source, each, settings, 0.0, None)
    after, how = _offset(folder, sources, found)
    begins = [max(0.0, after), max(0.0, -after)]
    common = min(each.seconds - begin for each, begin in zip(found, begins, strict=True))
    if common < _SHORTEST:
        raise UserError(
            f"{folder}/: its two files have no time in common when right starts {after:.2f} s after left; "
            f"correct {pairs.OFFSET}, or put files of one conversation there."
        )
    return Aligned(sources, found, begins, common, after, how)


def normalise_pair(
    folder: Path,
    out: Path,
    settings: config.VideoSettings,
    start: float | None = None,
    end: float | None = None,
) -> None:
    """Write the files into `out`; `start` and `end` are seconds of the time that both files have in common.

    Raises UserError naming the folder or the file that cannot be used.
    """
    two = aligned(folder, settings)
    sources, found, common = two.sources, two.probes, two.seconds
    limits = Limits(settings.max_minutes, settings.max_memory)
    first, last = start or 0.0, min(end or common, common)
    if first >= last:
        raise UserError(f"{folder}/ has {common:.1f} s in common, and start is {start}; correct the sample sheet.")
    parts = [{"ss": begin + first, "to": begin + last} for begin in two.begins]
    height = min(settings.max_height, *(_shown_height(each) // 2 * 2 for each in found))
    with ExitStack() as stack:
        video, audio, *voices = (
            stack.enter_context(atomic(out / name)) for name in ("video.mp4", "audio.wav", *VOICES)
        )
        halves = [
            picture(source, each, part, height).filter("format", "yuv420p")
            for source, each, part in zip(sources, found, parts, strict=True)
        ]
        run_ffmpeg(folder, ffmpeg.filter(halves, "hstack", inputs=2, shortest=1), video, limits, **coding(settings))
        frames = count_frames(video)
        for source, part, voice in zip(sources, parts, voices, strict=True):
            run_ffmpeg(source, sound(source, part, samples_for(frames)), voice, **SOUND)
        run_ffmpeg(folder, mixed(voices), audio, **SOUND)
    report = {
        "source": folder.name,
        "frames": frames,
        "encoded_again": True,
        "offset": {"seconds": two.after, **two.how},
    }
    probes = {side: each._asdict() for side, each in zip(SIDES, found, strict=True)}
    save_json(out / "probe.json", report | {"probe": probes})


def _shown_height(found: Probe) -> int:
    """Lines of a picture as it is shown, perhaps turned."""
    return found.width if found.rotation % 180 else found.height


def _offset(folder: Path, sources: tuple[Path, Path], found: list[Probe]) -> tuple[float, dict[str, object]]:
    """Seconds by which the right file starts after the left one, and how that is known, for probe.json."""
    given = pairs.given_offset(folder)
    if given is not None:
        return given, {"from": pairs.OFFSET}
    with scratch() as temporary:
        sounds = [temporary / name for name in VOICES]
        for source, each, out in zip(sources, found, sounds, strict=True):
            samples = round(each.seconds * offset.RATE)
            run_ffmpeg(source, sound(source, {}, samples, offset.RATE), out, **SOUND)
        heard = offset.find_offset(*sounds)
    if heard:
        log.info("%s: right starts %.3f s after left, as the sound of both says.", folder, heard.seconds)
        return heard.seconds, {"from": "sound", "confidence": round(heard.confidence, 1)}
    log.warning(
        "%s: neither microphone catches the other person, so both files are taken to start together; if they do not, "
        "write the seconds by which right starts after left into %s.",
        folder,
        folder / pairs.OFFSET,
    )
    return 0.0, {"from": _NOTHING}
