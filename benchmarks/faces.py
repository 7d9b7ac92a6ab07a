"""How near each faces backend comes to what was drawn on the demo, and what it costs.

    python benchmarks/faces.py data/raw/demo results/demo/videos                 # all recordings with their truth
    python benchmarks/faces.py data/raw/demo results/demo/videos --only demo_00  # one of them

Prints one row per backend: correlations over frames with the drawn smile, blink, jaw, pitch and yaw, mean (worst) over
faces; and CPU-milliseconds per face of the whole step. Smiles and
blinks are what a backend calls so: for `landmarks` the width of the mouth and the opening of the eyes that its basis
implies, for `blendshapes` mouthSmile and eyeBlink, left and right together. "best" is the column that fits best, found
with the truth. Last comes the least-squares constant from the weight of jawOpen to the drawn jaw.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit
from scipy.spatial.transform import Rotation

from l2l import backends, config
from l2l.evaluation.events import Directions
from l2l.faces import blendshapes, landmarks
from l2l.faces.columns import SHAPES
from l2l.faces.store import Faces, load_faces
from l2l.sides import SIDES
from l2l.video.footage import Footage
from l2l.video.tracks import load_tracks

SIGNALS = ("smile", "blink", "jaw", "pitch", "yaw", "best smile", "best blink")


def expressions(faces: np.ndarray, backend: str, basis: Path) -> tuple[np.ndarray, np.ndarray]:
    """How much faces (T, 56) smile and blink (T,), by what the backend's columns mean."""
    if backend == "blendshapes":
        named = {
            what: [k for k, name in enumerate(SHAPES) if name.startswith(what)] for what in ("mouthSmile", "eyeBlink")
        }
        return faces[:, named["mouthSmile"]].sum(1), faces[:, named["eyeBlink"]].sum(1)
    directions = Directions.of(landmarks.load_basis(basis))
    return faces[:, :50] @ directions.mouth_width, -faces[:, :50] @ directions.eye_opening


def correlations(found: Faces, truth: dict[str, np.ndarray], backend: str, basis: Path) -> dict[str, float]:
    """Of one face with what was drawn, by signal; `truth` has arrays (T,) by signal."""
    valid, faces = found.valid, found.faces[:, :56].astype(np.float64)
    angles = Rotation.from_rotvec(faces[:, 50:53]).as_euler("xyz")
    smile, blink = expressions(faces, backend, basis)
    measured = {"smile": smile, "blink": blink, "jaw": faces[:, 53], "pitch": angles[:, 0], "yaw": angles[:, 1]}
    result = {name: correlation(values[valid], truth[name][valid]) for name, values in measured.items()}
    for name in ("smile", "blink"):
        columns = [abs(correlation(column[valid], truth[name][valid])) for column in faces[:, :50].T]
        result[f"best {name}"] = max(columns)
    return result


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if min(a.std(), b.std()) > 1e-9 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path, help="folder with *.truth.npz")
    parser.add_argument("videos", type=Path, help="folder with one folder of video.mp4 and tracks.npz per recording")
    parser.add_argument("--only", nargs="*", default=[], help="names of recordings; default: all")
    args = parser.parse_args()
    files = [f for f in sorted(args.truth.glob("*.truth.npz")) if not args.only or f.name.split(".")[0] in args.only]
    folders = [args.videos / file.name.split(".")[0] for file in files]
    print(f"{'backend':14}" + "".join(f"{name:>14}" for name in SIGNALS) + f"{'CPU ms/face':>14}")
    weights, jaws = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for backend in ("landmarks", "blendshapes"):
            settings, basis = config.FacesSettings(backend=backend), Path(scratch) / f"{backend}.npz"
            module = backends.load("faces", backend)
            module.fit_basis([folder / "tracks.npz" for folder in folders], basis, settings)
            rows, cost, count = [], 0.0, 0
            for file, folder in zip(files, folders, strict=True):
                outs = [Path(scratch) / f"{backend}_{side}.npz" for side in SIDES]
                before = time.process_time()
                module.extract_faces(Footage.of(folder), basis, outs, config.TrackingSettings().bridge, settings)
                cost += time.process_time() - before
                count += int(load_tracks(folder / "tracks.npz").found.sum())
                with np.load(file, allow_pickle=False) as drawn:
                    head, others = np.radians(drawn["head"]), {k: drawn[k] for k in ("smile", "blink", "jaw")}
                for person, out in enumerate(outs):
                    truth = {name: values[:, person] for name, values in others.items()}
                    truth |= {"pitch": head[:, person, 0], "yaw": head[:, person, 1]}
                    found = load_faces(out)
                    rows.append(correlations(found, truth, backend, basis))
                    if found.rest is not None:
                        shown = blendshapes.with_rest(found.faces, found.rest)[:, blendshapes.SHAPES.index("jawOpen")]
                        weights.append(shown[found.valid])
                        jaws.append(np.radians(truth["jaw"][found.valid]))
            shown_rows = [[row[name] for row in rows] for name in SIGNALS]
            cells = "".join(f"{f'{np.mean(values):.2f} ({np.min(values):.2f})':>14}" for values in shown_rows)
            print(f"{backend:14}{cells}{1000 * cost / count:14.1f}")
    both = [np.concatenate(values) for values in (weights, jaws)]
    (constant, *_), _ = curve_fit(angle, *both, p0=[1.0])
    print(f"jaw: {constant:.2f} rad per weight of jawOpen near 0 (in use: {blendshapes.OPENS})")


def angle(weight: np.ndarray, constant: float) -> np.ndarray:
    """The form of `blendshapes.opening`, with another constant."""
    return blendshapes.WIDEST * np.tanh(constant * weight / blendshapes.WIDEST)


if __name__ == "__main__":
    main()
