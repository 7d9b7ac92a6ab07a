"""Files in the form of published weights, filled from a seed: for tests of wiring and of arithmetic, not of quality."""

from pathlib import Path

import numpy as np
import torch

from l2l.speech.syncnet import SyncNet
from l2l.video.s3fd import S3fd
from tests.released.seeded_weights import fill

SPEAKERS = Path(__file__).resolve().parents[1] / "data/speakers"  # what the originals say of these weights
# First layers see whole-number pixels or logarithms; scaled down, what comes out has a usual size.
SYNCNET = 1000, {"netcnnlip.0.weight": 2**-7, "netcnnaud.0.weight": 2**-4}
SYNCNET_DIGEST = "e93ed14a5c0185148fb0cbf44145583b8c52780cccfc9c87a25e4ff4a1e27feb"
S3FD = 1500, {"vgg.0.weight": 2**-6}
S3FD_DIGEST = "7e101026680d120dcce81dbfe0506dfc0f3beef161defa42151dd9cf77f90dfa"


def reference(name: str) -> dict[str, np.ndarray]:
    """The arrays of one file of tests/data/speakers."""
    with np.load(SPEAKERS / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def enlarged(small: np.ndarray, cell: int) -> np.ndarray:
    """Pictures (..., H, W, 3) or (T, H, W) that were stored as one pixel per cell."""
    rows = -3 if small.shape[-1] == 3 else -2
    return small.repeat(cell, rows).repeat(cell, rows + 1)


def close(found: np.ndarray | torch.Tensor, wanted: np.ndarray) -> None:
    """Equal to a ten-thousandth."""
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-4, atol=1e-4 * float(np.std(wanted)))


def seeded_syncnet() -> SyncNet:
    """Raises AssertionError when the weights are not those that the references were made with."""
    net = SyncNet()
    assert fill(net, *SYNCNET) == SYNCNET_DIGEST
    return net.eval().requires_grad_(False)


def seeded_s3fd() -> S3fd:
    """Raises AssertionError when the weights are not those that the references were made with."""
    net = S3fd()
    assert fill(net, *S3FD) == S3FD_DIGEST
    return net.eval().requires_grad_(False)


def write_syncnet(folder: Path) -> Path:
    """Write seeded weights under the name that `l2l` looks for below `folder` ($L2L_WEIGHTS)."""
    return _write(seeded_syncnet(), folder / "syncnet/syncnet_v2.model")


def write_s3fd(folder: Path) -> Path:
    """As `write_syncnet`, for S3FD."""
    return _write(seeded_s3fd(), folder / "s3fd/sfd_face.pth")


def _write(net: torch.nn.Module, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), path)
    return path
