"""The published people: who there is, on which side each listens, where the archives come from.

One source, `published.yaml` beside this module; light enough to be read before the workflow builds its DAG.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from l2l.errors import UserError
from l2l.weights import catalogue as weights

CATALOGUE = Path(__file__).with_name("published.yaml")
MODEL_FILES = tuple(f"{model}{end}" for model in ("codebook", "predictor") for end in (".pth", "_core.npz", ".json"))
_SUFFIXES = (".tar", ".tar.gz", ".tgz")


@dataclass(frozen=True)
class Published:
    """One published person."""

    listener: Literal["left", "right"]
    url: str  # of <name>_data.tar
    sha256: str | None  # of that archive, when it is known
    models: str | None  # the page of the released models; None when none were released


@functools.cache
def published() -> dict[str, Published]:
    """The published people, by name."""
    entries = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return {name: Published(**entry) for name, entry in entries.items()}


def entry(name: str) -> Published:
    """One of them. Raises UserError that lists them all."""
    if name not in published():
        raise UserError(f"no data of {name!r} was published; there are {', '.join(published())}.")
    return published()[name]


def placed_archive(data: Path, *stems: str) -> Path | None:
    """The archive a user has put in `data`: the first of <stem>.tar, .tar.gz, .tgz that is there."""
    candidates = (data / f"{stem}{suffix}" for stem in stems for suffix in _SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def placed_dataset(data: Path, name: str) -> Path | None:
    """data/<name>_data.tar, as the authors call it, or data/<name>.tar."""
    return placed_archive(data, f"{name}_data", name)


def by_hand(data: Path, name: str) -> str:
    """What to do when no archive can be downloaded, as the end of a sentence."""
    return f"put the archive at {data / f'{name}_data.tar'} yourself and run this again"


def models_folder(name: str) -> Path:
    """Where the released models of one person live: MODEL_FILES."""
    return weights.folder() / "released" / name
