"""What the original programs print for seeded weights (tests/data/deca), and how near a port must come."""

from pathlib import Path

import numpy as np
import torch

DATA = Path(__file__).resolve().parents[1] / "data" / "deca"


def reference(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def tensors(arrays: dict[str, np.ndarray], *names: str) -> list[torch.Tensor]:
    return [torch.from_numpy(arrays[name]) for name in names]


def close(found: torch.Tensor | np.ndarray, wanted: np.ndarray) -> None:
    """Equal but for the order of additions: 1e-4 of the value, or of the values' spread."""
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-4, atol=1e-4 * wanted.std())
