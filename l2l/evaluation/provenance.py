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
    """The commit that this package was run from, or None when it does not lie at the top of a git repository.

    Changes that were not committed are not seen.
    """
    top = Path(__file__).resolve().parents[2]
    try:
        lines = subprocess.run(
            ["git", "-C", str(top), "rev-parse", "--show-toplevel", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    # An installed copy may lie inside a repository of something else.
    return lines[1] if Path(lines[0]).resolve() == top else None
