"""Weight files: what there is, where it lands, how it is checked.

- `weights.yaml` beside this module names every file with its origin, licence and sha256.
- A file is used only when its sha256 is the one stated; where no one states it, the file is taken as it is.
- Files that one must register for are put in place by hand; the others come from a package, a link or a zip.
- Fetching happens only when the user asks (`l2l weights fetch NAME`, or the installation in the Makefile).
"""

import functools
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import yaml

from l2l.errors import SetupError, UserError
from l2l.files import atomic, reading, scratch, sha256_of

_LARGEST = 1 << 30  # bytes of a file in a zip; no network that is used here comes near
CATALOGUE = Path(__file__).with_name("weights.yaml")


@functools.cache
def catalogue() -> dict[str, dict]:
    """The entries of weights.yaml, by name."""
    return yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))


def folder() -> Path:
    """Where weight files live: $L2L_WEIGHTS, else third_party/weights of this checkout, or of the current folder."""
    if chosen := os.environ.get("L2L_WEIGHTS"):
        return Path(chosen)
    checkout = Path(__file__).resolve().parents[2]  # where an installed package has no such folder
    return (checkout if (checkout / "third_party").is_dir() else Path()) / "third_party" / "weights"


def _state(file: dict) -> str:
    path = folder() / file["path"]
    if not path.exists():
        return "missing"
    if file["sha256"] is None:
        return "unverified"
    return "ready" if sha256_of(path) == file["sha256"] else "damaged"


def status(name: str) -> str:
    """'ready', 'unverified' (there, but no sha256 is known), 'missing' or 'damaged' for one entry."""
    states = set(map(_state, catalogue()[name]["files"]))
    return next(state for state in ("missing", "damaged", "unverified", "ready") if state in states)


def how_to_get(name: str) -> str:
    """What to do to have an entry's files, as the end of a sentence."""
    entry = catalogue()[name]
    if {"package", "url", "zip"} & set(entry):
        return f"get it with `l2l weights fetch {name}`"
    there = f"get it from {entry['origin']}{' (one must register there)' if entry['register'] else ''}"
    return f"{there} and run `{entry['convert']}`" if "convert" in entry else f"{there} and put it there"


def find(name: str, file: str) -> Path:
    """The path of a verified weight file. Raises UserError that says where it comes from and how to get it."""
    entry, path = catalogue()[name], folder() / file
    state = _state(next(item for item in entry["files"] if item["path"] == file))
    if state == "missing":
        instead = f", or use {entry['instead']}" if "instead" in entry else ""
        raise SetupError(f"{path} is missing ({entry['what']}, {entry['licence']}); {how_to_get(name)}{instead}.")
    if state == "damaged":
        raise SetupError(f"{path} is damaged (its sha256 is not the stated one); delete it and {how_to_get(name)}.")
    return path


def fetch(name: str) -> None:
    """Download one entry, verify it and put its files in place. Raises UserError when it cannot be had."""
    from l2l.weights.download import download  # here: nothing else needs it

    if name not in catalogue():
        raise UserError(f"there are no weights called {name!r}; `l2l weights` lists those there are.")
    entry, archive = catalogue()[name], folder() / f"{name}.zip"
    if status(name) in ("ready", "unverified"):
        if "zip" in entry:  # who unpacked it may have been killed before this
            archive.unlink(missing_ok=True)
        return
    if "package" in entry:
        with scratch() as work:
            _unpack(_download_wheel(f"{entry['package']}=={entry['version']}", work), entry)
    elif "zip" in entry:
        if not archive.exists():  # it may have been put there by hand
            download(entry["zip"], archive)
        _unpack(archive, entry)
        archive.unlink()
    elif "url" in entry:
        (file,) = entry["files"]
        (folder() / file["path"]).unlink(missing_ok=True)  # it is missing or damaged
        download(entry["url"], folder() / file["path"], file["sha256"])
    else:
        paths = ", ".join(str(folder() / file["path"]) for file in entry["files"])
        raise UserError(f"{name} cannot be fetched ({entry['licence']}); {how_to_get(name)}: {paths}.")


def _download_wheel(requirement: str, work: Path) -> Path:
    # Any platform's wheel holds the same model files, so one that is known to exist is asked for everywhere.
    platform = "--platform manylinux_2_28_x86_64 --python-version 3.11 --implementation cp --only-binary=:all:"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run([*command, *platform.split(), "-d", str(work), requirement], capture_output=True, text=True)
    wheels = list(work.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise UserError(f"pip could not download {requirement} ({reason}); check the network and try again.")
    return wheels[0]


def _unpack(path: Path, entry: dict) -> None:
    """Take the listed members out of a wheel or zip, each checked before it is put in place; nothing is executed."""
    with reading(path, "a whole zip", "", get="delete it and try again"), zipfile.ZipFile(path) as archive:
        for file in entry["files"]:
            # Publishers put a folder around their files or not; what follows it is listed.
            found = [each for each in archive.infolist() if f"/{each.filename}".endswith(f"/{file['member']}")]
            if len(found) != 1:
                raise UserError(f"{path} holds {len(found)} files called {file['member']}, not one; delete it.")
            if found[0].file_size > _LARGEST:
                raise UserError(f"{file['member']} in {path} has {found[0].file_size >> 20} MiB unpacked; delete it.")
            with atomic(folder() / file["path"]) as partial:
                with archive.open(found[0]) as member, open(partial, "wb") as target:
                    if "constants" in file:
                        target.write(_edges_as_npy(member.read().decode(), file["constants"]))
                    else:
                        shutil.copyfileobj(member, target)
                if file["sha256"] not in (None, sha256_of(partial)):
                    raise UserError(f"{file['member']} in {path.name} is not the expected file; try again.")


def _edges_as_npy(source: str, constant: str) -> bytes:
    """The frozenset of edges assigned to `constant`, as the bytes of an int32 .npy (E, 2), in the order written."""
    found = re.search(rf"^{constant} = frozenset\(\[(.*?)\]\)", source, re.M | re.S)
    if not found:
        raise UserError(f"{constant} was not found in the package; it is not the pinned version.")
    file = io.BytesIO()
    np.save(file, np.array(re.findall(r"\d+", found[1]), np.int32).reshape(-1, 2))
    return file.getvalue()
