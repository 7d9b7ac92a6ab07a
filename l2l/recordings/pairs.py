"""One conversation in two files: a folder with left.mp4 and right.mp4, one person in each, with their own microphone.

A file offset.txt beside them may say by how many seconds the right file starts after the left one (negative: before
it). Without one the sound tells (`l2l.speech.offset`).
"""

from pathlib import Path

from l2l.errors import UserError
from l2l.sides import SIDES

SUFFIXES = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"}
OFFSET = "offset.txt"


def is_video(path: Path) -> bool:
    """Whether a file has the name of a video."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def of_side(folder: Path, side: str) -> list[Path]:
    """The videos of a folder that are called left, or right; there should be one."""
    return sorted(file for file in folder.glob(f"{side}.*") if is_video(file))


def is_pair(folder: Path) -> bool:
    """Whether a folder is meant to be such a recording: it holds one of the two files, or both."""
    return folder.is_dir() and any(of_side(folder, side) for side in SIDES)


def files(folder: Path) -> list[Path]:
    """All files that a recording is made of, as far as they are there."""
    there = [file for side in SIDES for file in of_side(folder, side)]
    return [*there, *(file for file in [folder / OFFSET] if file.exists())]


def both(folder: Path) -> tuple[Path, Path]:
    """The left and the right file. Raises UserError when one is missing, or when there are several."""
    found = []
    for side in SIDES:
        videos = of_side(folder, side)
        if not videos:
            raise UserError(
                f"{folder}/ has no video called {side} (such as {side}.mp4); put both people's files there."
            )
        if len(videos) > 1:
            names = " and ".join(video.name for video in videos)
            raise UserError(f"{folder}/ has {names}; keep one of them.")
        found += videos
    return found[0], found[1]


def given_offset(folder: Path) -> float | None:
    """Seconds by which the right file starts after the left one, when offset.txt says it. Raises UserError."""
    path = folder / OFFSET
    try:
        offset = float(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        offset = float("nan")
    if not abs(offset) < 1e6:
        raise UserError(f"{path} is not a number; write the seconds by which right starts after left, such as 0.37.")
    return offset
