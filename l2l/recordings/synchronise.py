"""Sound that is late or early, as the lips say: it is moved, or a warning says so.

- `sync.json` in a recording's folder says what was found and by how much the sound was moved.
- A sound file that was moved says so itself, in its comment. So nothing is moved twice, whatever is done again.
"""

import re
from pathlib import Path

import soundfile

from l2l.files import atomic, save_json
from l2l.recordings.two_channels import whose
from l2l.speech.sync import Sync, lip_sync
from l2l.speech.vad import read_part, read_wav
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.footage import REPORT, VOICES, Footage, said
from l2l.video.tracks import load_tracks

MOST = 2  # frames by which sound may be late or early: lips themselves are that much early
_DOUBTFUL = 2.0  # standard errors, below which nothing is said
_MOVED = "moved by {} frames"
_BLOCK = SAMPLE_RATE * 60  # samples


def synchronise(folder: Path, correct: bool, of: str = "", two_channels: bool = False) -> None:
    """Compare lips and sound of a tracked recording and write sync.json; where `correct`, also move the sound.

    `of` names what the sound was made of; `two_channels`: its channels hold a person each. Raises UserError where
    tracks or sound cannot be read.
    """
    footage = Footage.of(folder)
    tracks = load_tracks(footage.tracks)
    found = lip_sync(tracks, footage.audio)
    moved = moved_by(footage.audio)
    if correct and found.certain and abs(found.late) > MOST:
        for wav in _sounds(folder):
            move(wav, moved_by(wav) + found.late)
        moved, found = moved + found.late, found._replace(late=0)
    report = {"late": found.late, "certainty": found.certainty, "moved": moved, "of": of}
    if two_channels:
        report["voices"] = whose(tracks, [folder / name for name in VOICES])
    save_json(folder / REPORT, report)


def move_again(folder: Path, of: str) -> None:
    """Move sound that was made anew by as much as it was moved before, where it was made of the same."""
    found = said(folder / REPORT)
    if found.get("moved") and found.get("of") == of:
        for wav in _sounds(folder):
            move(wav, found["moved"])


def _sounds(folder: Path) -> list[Path]:
    return [wav for wav in (folder / "audio.wav", *(folder / name for name in VOICES)) if wav.exists()]


def moved_by(wav: Path) -> int:
    """Frames by which a sound file has been moved to the front."""
    with read_wav(wav) as file:
        return _moved(file)


def move(wav: Path, frames: int) -> None:
    """Move a sound to the front by so many frames in all, or to the back; its length stays, silence fills it."""
    with read_wav(wav) as old:
        skip = round((frames - _moved(old)) * SAMPLE_RATE / FPS)
        with atomic(wav) as partial, soundfile.SoundFile(str(partial), "w", SAMPLE_RATE, 1, "PCM_16") as new:
            new.comment = _MOVED.format(frames)
            for start in range(0, len(old), _BLOCK):
                new.write(read_part(old, start + skip, min(_BLOCK, len(old) - start), "int16"))


def _moved(file: soundfile.SoundFile) -> int:
    said = re.fullmatch(_MOVED.format(r"(-?\d{1,3})"), str(file.comment))
    return int(said[1]) if said else 0


def sync_warning(folder: Path) -> tuple[str, bool]:
    """A sentence on sound and lips, empty when they agree or nothing is known; and whether it must be looked at."""
    found = said(folder / REPORT)
    late, moved = int(found.get("late", 0)), int(found.get("moved", 0))
    sync = Sync(late, float(found.get("certainty", 0.0)))
    if abs(late) > MOST and sync.certainty >= _DOUBTFUL:
        seems = "is" if sync.certain else "seems to be"
        return f"its sound {seems} {_seconds(late)} {'late' if late > 0 else 'early'}, as the lips say", True
    if found.get("voices") == "unknown":
        return "its two channels hold a voice each, but the lips do not tell whose, so both are mixed", False
    if moved:
        return f"its sound was {_seconds(moved)} {'late' if moved > 0 else 'early'} and has been moved", False
    return "", False


def _seconds(frames: int) -> str:
    return f"{abs(frames) / FPS:.2f} s"
