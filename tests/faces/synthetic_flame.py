"""A head of FLAME's sizes made of nothing but numbers, as the reference outputs in tests/data/deca were made with.

Every array draws from a generator of its own, so that each can be checked alone. Nothing of FLAME or DECA is in it.
"""

import functools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from scipy.spatial import ConvexHull

from l2l.weights.flame_import import TRIANGLES, VERTICES

SEED = 2500
_JOINTS = np.array(
    [[0, -0.09, -0.01], [0, -0.06, -0.01], [0, -0.01, 0.02], [0.032, 0.035, 0.065], [-0.032, 0.035, 0.065]]
)


def _rng(number: int) -> np.random.Generator:
    return np.random.default_rng(SEED + number)


def _sphere() -> tuple[np.ndarray, np.ndarray]:
    """Points (5023, 3) on a sphere along a spiral, and its hull (9976, 3), wound outwards, open at the bottom."""
    at = np.arange(VERTICES) + 0.5
    polar, around = np.arccos(1 - 2 * at / VERTICES), np.pi * (1 + 5**0.5) * at
    points = np.stack([np.cos(around) * np.sin(polar), np.cos(polar), np.sin(around) * np.sin(polar)], 1)
    hull = ConvexHull(points).simplices.astype(np.int64)
    a, b, c = points[hull].transpose(1, 0, 2)
    inwards = (np.cross(b - a, c - a) * points[hull].mean(1)).sum(1) < 0
    hull[inwards] = hull[inwards][:, ::-1]
    first = hull.argmin(1)
    hull = np.stack([hull[np.arange(len(hull)), (first + step) % 3] for step in range(3)], 1)
    hull = hull[np.argsort(points[hull].mean(1)[:, 1], kind="stable")][len(hull) - TRIANGLES :]
    return points, hull[np.lexsort((hull[:, 2], hull[:, 1], hull[:, 0]))]


@functools.cache
def model() -> dict[str, Any]:
    """What generic_model.pkl holds."""
    points, triangles = _sphere()
    template = points * [0.075, 0.115, 0.095]
    strength = 0.004 / (1 + np.concatenate([np.arange(300), np.arange(100)]) / 20)

    def waves(number: int, count: int, pace: float, strengths: np.ndarray) -> np.ndarray:
        """(5023, 3, count) smooth functions of the place."""
        frequency = _rng(number).normal(0, pace, (count, 3, 3))
        phase = _rng(number + 1).uniform(0, 6.28, (count, 3))
        return np.stack([strengths[k] * np.sin(points @ frequency[k] + phase[k]) for k in range(count)], 2)

    rows, columns, values = [], [], []
    for joint, place in enumerate(_JOINTS):
        nearest = np.argsort(((template - place) ** 2).sum(1), kind="stable")[:40]
        share = _rng(5 + joint).random(40)
        rows += [joint] * 40
        columns += nearest.tolist()
        values += (share / share.sum()).tolist()
    regressor = scipy.sparse.csc_matrix((values, (rows, columns)), shape=(5, VERTICES))
    near = np.exp(-((template[:, None] - _JOINTS) ** 2).sum(2) / (2 * 0.04**2))
    return {
        "f": triangles.astype(np.uint32),
        "v_template": template,
        "shapedirs": waves(1, 400, 3, strength),
        "posedirs": waves(3, 36, 2, np.full(36, 0.002)),
        "J_regressor": regressor,
        "J": regressor @ template,
        "weights": near / near.sum(1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


def write_pickle(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(model(), protocol=2))
    return path
