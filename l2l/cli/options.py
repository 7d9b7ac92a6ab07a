"""The arguments that several commands have, each with the line that `--help` says about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from l2l.sides import Side

if TYPE_CHECKING:
    from l2l.config import Settings


def about(text: str) -> Parameter:
    return Parameter(help=text)


Names = tuple[str, ...]  # `--train a b c`, `--train a --train b`, or `--train` alone for none
Paths = tuple[Path, ...]
Listener = Annotated[Side, about("who listens: the person on the left or on the right")]
Train = Annotated[Names, about("names of the recordings for training")]
Test = Annotated[Names, about("names of the recordings for testing")]
Person = Annotated[str | None, about("the person's name, for messages; default: the output folder's")]
Out = Annotated[Path, about("where to write")]
Videos = Annotated[Path, about("folder with one folder per preprocessed recording")]
Video = Annotated[Path | None, about("video.mp4; default: beside the tracks")]
Tracks = Annotated[Path, about("tracks.npz")]
Audio = Annotated[Path, about("audio.wav")]
Chunks = Annotated[Path, about("folder with train/ and test/, in the published format")]
Data = Annotated[Path, about("folder of archives and people")]
Samples = Annotated[Path, about("samples.npz")]
Basis = Annotated[Path, about("face_basis.npz")]
Codebook = Annotated[Path, about("codebook.pt")]
Predictor = Annotated[Path, about("predictor.pt")]
LogDir = Annotated[Path, about("folder for tensorboard")]


@Parameter(name="*", group="Settings")
@dataclass(frozen=True)
class Options:
    """Where settings come from; each is laid over the one before: defaults, file, preset, single settings."""

    set: Annotated[Names, about("KEY=VALUE, any number, e.g. mel.feature=log_mel")] = ()
    config: Annotated[Path | None, about("a YAML file with settings")] = None
    preset: Annotated[Literal["modern", "small", "released"], about("laid over the file")] = "modern"

    def read(self) -> "Settings":
        """The settings, validated. Raises UserError on an unknown key or a wrong value."""
        from l2l.config import from_differences

        return from_differences(list(self.set), self.config, self.preset)


DEFAULTS = Options()
