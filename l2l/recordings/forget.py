"""forget: everything that is kept of a person, and deleting it."""

import shutil
from pathlib import Path

from l2l.config import Config
from l2l.errors import UserError


def kept_of(name: str, config: Config, folder: Path = Path()) -> dict[Path, str]:
    """Files and folders that are there because of a person, and what each holds.

    Models of several people that have learned from the person are among them; the other people's own files are not.
    Raises UserError for a name that cannot be a person's.
    """
    if not name or Path(name).name != name or name.startswith("."):
        raise UserError(f"{name!r} cannot be a person's name; give one as it stands in config.yaml.")
    known = config.everyone.get(name)
    data = known.dataset or name if known else name
    others = {other: person for other, person in config.everyone.items() if other != name}
    sharing = [other for other, person in others.items() if (person.dataset or other) == data]
    places = {folder / "results" / name: "tracks, faces, sound, models, samples, pictures"}
    if not sharing:
        places |= {folder / "data" / data: "windows and whole conversations"}
        places |= {path: "the published archive" for path in sorted((folder / "data").glob(f"{data}_*.tar"))}
    places[folder / "data/raw" / name] = "recordings, or arrays of your own"
    for other, person in others.items():
        if name in person.people:
            places[folder / "data" / other] = f"windows of {', '.join(person.people)} together"
            places[folder / "results" / other] = f"a model that has learned from {name} too"
    return {path: what for path, what in places.items() if path.exists()}


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    return sum(file.stat().st_size for file in files)


def forget(places: dict[Path, str]) -> None:
    """Delete what `kept_of` has found. A link is removed, what it leads to is not."""
    for path in places:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
