"""What pages get: words as JSON with numbers behind them, and how a mesh is drawn."""

import json
import struct
from typing import Any

import numpy as np

from l2l.faces.meshes import Mesher
from l2l.pictures.face import COLOURS, SKIN


def packed(words: dict[str, Any], *arrays: np.ndarray) -> bytes:
    """The length of the words, the words, and arrays as float32, one after another; all begin at multiples of 4."""
    text = json.dumps(words).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(array.astype("<f4").tobytes() for array in arrays)


def described(mesher: Mesher) -> dict[str, Any]:
    """The parts of a mesh: triangles and colours, and the face at rest."""
    parts = [
        {"triangles": corners.ravel().tolist(), "colour": COLOURS.get(name, SKIN), "smooth": name == "skin"}
        for name, corners in mesher.parts(mesher.rest).items()
    ]
    return {"parts": parts, "rest": np.round(mesher.rest, 5).ravel().tolist()}
