"""Multisensory's weights without anybody's: by the recipe, or any numbers as fast as they can be made."""

import json
import math
from pathlib import Path

import numpy as np
import torch

from l2l.speech.multisensory.network import Multisensory, variables
from l2l.speech.multisensory.separation import DATA, INDEX
from tests.released.recipe import digest, seeded
from tests.weights.tf_writer import Place, write_index

REFERENCE = Path(__file__).resolve().parents[1] / "data" / "multisensory"


class Recipe:
    """The weights of the reference values, in place of a checkpoint. Raises AssertionError when they are others."""

    def __init__(self) -> None:
        about = json.loads((REFERENCE / "meta.json").read_text())
        self.entries = listed()
        self.arrays = seeded(list(self.entries.items()), about["seed"], about["scale"], inputs_last=True)
        assert digest(self.arrays) == about["digest"]

    def read(self, wanted: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        assert all(self.entries[name] == shape for name, shape in wanted.items())
        return {name: self.arrays[name] for name in wanted}


def listed() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the variables that TensorFlow itself counts as the model's."""
    rows = (line.split("\t") for line in (REFERENCE / "keys.tsv").read_text().splitlines())
    return {name: tuple(map(int, shape.split("x"))) if shape else () for name, shape in rows}


def write_random(folder: Path) -> None:
    """A checkpoint of the right names and shapes in a folder for weights.

    The variables lie over each other in the data file: drawing and writing a hundred million numbers would take long.
    """
    with torch.device("meta"):
        shapes = variables(Multisensory())
    rng = np.random.default_rng(0)
    longest = max(map(math.prod, shapes.values()))
    small = 0.02 * rng.standard_normal(longest, np.float32)
    positive = 0.5 + rng.random(4096, np.float32)
    (folder / DATA).parent.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_bytes(small.tobytes() + positive.tobytes())
    places = {}
    for name, shape in shapes.items():
        above = name.endswith(("gamma", "moving_variance"))
        pool, offset = (positive, small.nbytes) if above else (small, 0)
        places[name] = Place(pool[: math.prod(shape)].reshape(shape), offset)
    write_index((folder / INDEX).with_suffix(""), places)
