"""What a number was made with: versions of the programs and the revision of this one."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = ("l2l", "torch", "numpy", "scipy")


def versions() -> dict[str, str | None]:
    """Versions of Python and of the packages that numbers depend on; None for one that is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


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
