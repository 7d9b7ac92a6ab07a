"""What a number was made with: versions of the programs and the revision of this one."""

import platform
import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path


def versions() -> dict[str, str | None]:
    """Versions of Python, of l2l and of all packages that it requires; None for one that is not installed.

    What l2l requires only for its demo, its tests or a cluster is left out, so that these change no file.
    """
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in ("l2l", *required()):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


@cache
def required() -> list[str]:
    """Names of the packages that l2l requires, in alphabetical order; none when l2l itself is not installed."""
    try:
        wanted = metadata.requires("l2l") or []
    except metadata.PackageNotFoundError:
        return []
    names = (re.match(r"[\w.-]+", line) for line in wanted if "extra ==" not in line)
    return sorted(name[0] for name in names if name)


@cache
def git_revision() -> str | None:
    """The commit that this package was run from, or None when it is not the folder l2l/ of a git repository's top.

    Changes that were not committed are not seen.
    """
    here = str(Path(__file__).parents[1])
    command = ["git", "-C", here, "rev-parse", "--show-prefix", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    prefix, commit = done.stdout.splitlines()
    return commit if prefix == "l2l/" else None  # an installed copy may lie inside a repository of something else
