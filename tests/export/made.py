"""A person's results as the workflow leaves them, made of smooth random motion."""

from pathlib import Path

import numpy as np
import torch

from l2l.dataset.layout import WINDOW, chunk_paths
from l2l.faces.columns import SHAPES
from l2l.faces.face_landmarker import SHAPES as NETWORK
from l2l.faces.face_landmarker import canonical_face
from l2l.faces.store import write_faces
from l2l.files import save_npz
from l2l.sides import SIDES, Side
from l2l.speech.speaking import write_speaking
from l2l.units import MODEL_DIM

FRAMES, STARTS, FUTURES, GIVEN = 240, (8, 40, 104), 3, 32
REST = np.random.default_rng(3).uniform(0, 0.15, len(NETWORK)).astype(np.float32)


def motion(frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    """(T, 56) float32 of named shapes: weights that with the rest stay between 0 and 1, a head and a jaw that move."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 30
    waves = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.3, 1, MODEL_DIM) * time + rng.uniform(0, 6, MODEL_DIM))
    faces = np.zeros((frames, MODEL_DIM))
    faces[:, : len(SHAPES)] = 0.6 * waves[:, : len(SHAPES)]
    faces[:, 50:53] = 0.3 * (waves[:, 50:53] - 0.5)
    faces[:, 53], faces[:, 54] = 0.2 * waves[:, 53], 0.1 * (waves[:, 54] - 0.5)
    return faces.astype(np.float32)


def write_basis(path: Path, backend: str) -> np.ndarray:
    """A face_basis.npz; the mesh at rest of its backend."""
    face = canonical_face()
    components = np.linalg.qr(np.random.default_rng(1).normal(size=(1404, 50)))[0].T
    if backend == "landmarks":
        save_npz(path, backend=np.array(backend), template=face, components=components)
    else:
        save_npz(path, backend=np.array(backend), template=face)
    return {"landmarks": face, "deca": np.zeros(100)}.get(backend, np.concatenate([face[None], np.zeros((49, 468, 3))]))


def write_results(folder: Path, backend: str = "blendshapes", name: str = "talk", turns: bool = False) -> Path:
    """Write results/alice and data/alice below `folder`: one test recording, in which alice listens on the left."""
    results, data = folder / "results/alice", folder / "data/alice"
    video = results / "videos" / name
    video.mkdir(parents=True)
    neutral = write_basis(results / "face_basis.npz", backend)
    faces = {side: motion(seed=seed) for seed, side in enumerate(SIDES)}
    for side in SIDES:
        valid, more = np.ones(FRAMES, bool), {"rest": REST} if backend == "blendshapes" else {}
        valid[:3] = False
        write_faces(video / f"faces_{side}.npz", faces[side], valid, np.zeros(FRAMES), neutral, backend, **more)
    speaks = np.zeros((FRAMES, 2))
    speaks[6:200, 1] = speaks[215:235, 0] = 0.9
    write_speaking(video / "speaking.npz", video / "speaking.rttm", speaks, np.ones(FRAMES), name)
    (video / "video.mp4").write_bytes(b"")
    (video / "audio.wav").write_bytes(b"")
    write_windows(data, faces, name)
    torch.save(
        {"format": 1, "kind": "codebook", "architecture": "patches", "listener": "left"}, results / "codebook.pt"
    )
    drawn = np.stack([motion(WINDOW * len(STARTS), 10 + k).reshape(-1, WINDOW, MODEL_DIM) for k in range(FUTURES)])
    more = {"turns": drawn[0] * 0.5} if turns else {}
    save_npz(
        results / "samples.npz",
        **{"samples": drawn, "first_frame": np.array(GIVEN), "given": np.full(len(STARTS), GIVEN), **more},
        **{"seed": np.array(0), "sampling": np.array("{}")},
    )
    return results


def write_windows(data: Path, faces: dict[Side, np.ndarray], name: str) -> None:
    """The test windows in which the person on the left listens."""
    paths = chunk_paths(data, "test", "left")
    paths["listener"].parent.mkdir(parents=True)
    for part, side in (("listener", SIDES[0]), ("speaker", SIDES[1])):
        windows = np.zeros((len(STARTS), WINDOW, 184), np.float32)
        for row, start in enumerate(STARTS):
            windows[row, :, :MODEL_DIM] = faces[side][start : start + WINDOW]
        np.save(paths[part], windows)
    np.save(paths["audio"], np.zeros((len(STARTS), 4 * WINDOW, 128), np.float32))
    np.save(paths["files"], np.array([[[name, "right", str(s + f)] for f in range(WINDOW)] for s in STARTS]))
