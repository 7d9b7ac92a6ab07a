"""What several commands take: the settings, and arguments that mean the same wherever they stand."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from l2l.config import Settings


def about(text: str) -> Parameter:
    """The help of an argument of one command."""
    return Parameter(help=text)


Names = tuple[str, ...]  # `--train a b c`, `--train a --train b`, or `--train` alone for none
Paths = tuple[Path, ...]

# Arguments that neither the docstring nor the signature of a command explains.
SHARED = {
    "folders": "folders of recordings, with the files of the steps before",
    "start": "second of the recording; default: its first",
    "end": "second of the recording; default: its last",
    "listener": "who listens: the person on the left or on the right",
    "train": "names of the recordings for training",
    "test": "names of the recordings for testing",
    "person": "the person's name, for messages; default: the output folder's",
    "videos": "folder with one folder per preprocessed recording",
    "basis": "face_basis.npz",
    "chunks": "folder with train/ and test/, in the published format",
    "codebook": "codebook.pt",
    "predictor": "predictor.pt",
    "samples": "samples.npz",
    "log_dir": "folder for tensorboard",
    "data": "folder of archives and people",
    "out": "where to write",
}


@Parameter(name="*", group="Settings")
@dataclass(frozen=True)
class Options:
    """Where settings come from; each is laid over the one before: defaults, file, preset, single settings.

    Args:
        set: KEY=VALUE, any number, e.g. mel.feature=log_mel
        config: a YAML file with settings
        preset: laid over the file
    """

    set: Names = ()
    config: Path | None = None
    preset: Literal["modern", "released"] = "modern"

    def read(self) -> "Settings":
        """The settings, validated. Raises UserError on an unknown key or a wrong value."""
        from l2l.config import from_differences

        return from_differences(list(self.set), self.config, self.preset)


DEFAULTS = Options()


def explained(command: Callable[..., None]) -> Callable[..., None]:
    """The command, its docstring completed with the arguments in `SHARED`."""
    text = inspect.getdoc(command) or ""
    lines = [f"    {name}: {about}" for name, about in SHARED.items() if f"\n    {name}: " not in text]
    command.__doc__ = "\n".join([text if "\nArgs:" in text else text + "\n\nArgs:", *lines])
    return command
