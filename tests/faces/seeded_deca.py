"""DECA's networks with seeded weights, as the reference outputs in tests/data/deca were made with."""

import functools
import re
from pathlib import Path

import torch
from torch import nn

from l2l.faces.deca_nets import DETAIL, MODEL, PARAMETERS, Encoder
from l2l.weights import catalogue as weights
from l2l.weights.flame_import import import_flame
from tests.faces import synthetic_flame
from tests.released.seeded_weights import fill

# sha256 over names and bytes of the weights, from the machine that made the reference outputs.
DIGESTS = {
    "E_flame": "e2ea35585cfd5d6855bd9dccf81f522e79e4a1eb7970e9d9a834f5022474bb85",
    "E_detail": "6675ba4db14a5914f67ec2ca192f891cd43b5747b5a25426eb4a883762f2d511",
}


def _encoder(outputs: int, seed: int, last: float) -> nn.Module:
    net = Encoder(outputs)
    # Scaled down, so that random features stay as large as real ones through 16 blocks.
    scale = {key: 0.3 for key in net.state_dict() if re.fullmatch(r"encoder\.layer\d\.\d\.bn3\.weight", key)}
    fill(net, seed, scale | {"layers.2.weight": last})
    return net.requires_grad_(False).eval()


@functools.cache
def networks() -> dict[str, nn.Module]:
    """The two networks by name."""
    flame = _encoder(PARAMETERS, 2000, 0.03)
    flame.layers[2].bias[206] += 8  # a camera that sees the face large
    return {"E_flame": flame, "E_detail": _encoder(DETAIL, 12000, 0.1)}


def write_checkpoint(path: Path) -> None:
    """A deca_model.tar with seeded weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({name: net.state_dict() for name, net in networks().items()}, path)


def seeded_weights() -> None:
    """Put everything that faces backend deca can use into $L2L_WEIGHTS, made of nothing but numbers."""
    write_checkpoint(weights.folder() / MODEL[1])
    folder = weights.folder() / "flame"
    import_flame(synthetic_flame.write_pickle(folder / "generic_model.pkl"), folder / "flame.npz")
