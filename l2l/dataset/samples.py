"""samples.npz: the futures that `sample` drew, as later steps read them."""

import json
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from l2l import config
from l2l.arrays import NUMBER, TEXT, Array, open_npz
from l2l.dataset.layout import WINDOW
from l2l.errors import UserError
from l2l.units import MODEL_DIM

# The shape of the samples is told apart below: how many there may be depends on how they were drawn.
_ARRAYS = {
    "samples": Array(None),
    "first_frame": NUMBER,
    "given": Array(("N",), "i"),
    "seed": NUMBER,
    "sampling": TEXT,
}


def load_samples(path: Path, windows: int) -> dict[str, np.ndarray]:
    """The arrays of samples.npz, checked. Raises UserError naming the file and what is wrong."""
    with open_npz(path, "a file of samples", "l2l sample") as file:
        arrays = {name: file.read(name, wanted) for name, wanted in _ARRAYS.items()}
        arrays |= {"turns": file.read("turns", Array(("N", WINDOW, MODEL_DIM), holes=True))} if "turns" in file else {}
        # The settings say so when the last windows were left out on purpose.
        drawn = dict(json.loads(arrays["sampling"].item()))
        left_out = {"max_windows", "whole_batches"} & {key for key, value in drawn.items() if value}
    samples = arrays["samples"]
    if left_out and samples.ndim == 4 and 0 < samples.shape[1] < windows:
        windows = samples.shape[1]
    if samples.ndim != 4 or samples.shape[1:] != (windows, WINDOW, MODEL_DIM) or not len(samples):
        wanted = f"(samples, {windows}, {WINDOW}, {MODEL_DIM})"
        raise UserError(f"{path}: samples have shape {samples.shape}, expected {wanted}; sample these chunks again.")
    if arrays["first_frame"].size != 1 or not 0 <= arrays["first_frame"].item() < WINDOW - 1:
        raise UserError(f"{path}: first_frame is {arrays['first_frame']}, expected 0 to {WINDOW - 2}; sample again.")
    first, given = arrays["first_frame"].item(), arrays["given"]
    if given.shape != (samples.shape[1],) or not np.isin(given, (0, first)).all():
        raise UserError(f"{path}: given must say 0 or {first} (first_frame) for each window; sample again.")
    return arrays


def sampling_of(drawn: dict[str, np.ndarray], path: Path) -> config.SamplingSettings:
    """How the samples were drawn. Raises UserError when the file does not say it in words that this l2l knows."""
    try:
        found = config.SamplingSettings.model_validate_json(drawn["sampling"].item())
    except ValidationError:
        raise UserError(f"{path}: how it was sampled cannot be read; sample again.") from None
    return found.model_copy(update={"samples": len(drawn["samples"])})
