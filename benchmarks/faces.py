"""How near each faces backend comes to what was drawn on the demo, how still it is, and what it costs.

    python -m benchmarks.faces data/raw/demo results/demo/videos                 # all recordings with their truth
    python -m benchmarks.faces data/raw/demo results/demo/videos --only demo_00  # one of them
    python -m benchmarks.faces data/raw/demo results/demo/videos --still work    # and a tracked recording without truth

Prints three tables with a row for each backend.

- Correlations over frames with the drawn smile, blink, jaw, pitch and yaw, mean (worst) over faces; and
  CPU-milliseconds per face of the whole step. Smiles and blinks are what `l2l.evaluation.events.Directions` counts by.
  "best" is the column that fits best, found with the truth.
- Nods, smiles and blinks as `eval.json` counts them: drawn ones that were found, of how many, and how many were found
  where none was drawn. A found one is right when it begins while one is drawn, or within 0.2 s of it.
- `--still FOLDER`: how much each person's face trembles there. It is the root mean square of what is faster than 3 Hz,
  in the half of the frames around which that is least: smile and blink in units of what counts as one, jaw, pitch and
  yaw in thousandths of a radian.

Last comes the least-squares constant from the weight of jawOpen to the drawn jaw.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.optimize import curve_fit
from scipy.signal import butter, sosfiltfilt
from scipy.spatial.transform import Rotation

from l2l import backends, config
from l2l.evaluation.events import Directions, detect
from l2l.faces import blendshapes
from l2l.faces.store import Faces, load_faces
from l2l.sides import SIDES
from l2l.speech.intervals import intervals
from l2l.units import FPS
from l2l.video.footage import Footage
from l2l.video.tracks import load_tracks

BACKENDS = ("landmarks", "blendshapes")
SIGNALS = ("smile", "blink", "jaw", "pitch", "yaw")
BEST = ("best smile", "best blink")
EVENTS = ("nod", "smile", "blink")
SLACK = 0.2  # seconds


def signals(faces: np.ndarray, directions: Directions) -> dict[str, np.ndarray]:
    """What faces (T, 56) show: (T,) each."""
    angles = Rotation.from_rotvec(faces[:, 50:53]).as_euler("xyz")
    smile, blink = faces[:, :50] @ directions.smile, faces[:, :50] @ directions.blink
    return {"smile": smile, "blink": blink, "jaw": faces[:, 53], "pitch": angles[:, 0], "yaw": angles[:, 1]}


def correlations(found: Faces, truth: dict[str, np.ndarray], directions: Directions) -> dict[str, float]:
    """Of one face with what was drawn, by signal; `truth` has arrays (T,) by signal."""
    valid, faces = found.valid, found.faces[:, :56].astype(np.float64)
    measured = signals(faces, directions)
    result = {name: correlation(values[valid], truth[name][valid]) for name, values in measured.items()}
    for name in ("smile", "blink"):
        columns = [abs(correlation(column[valid], truth[name][valid])) for column in faces[:, :50].T]
        result[f"best {name}"] = max(columns)
    return result


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if min(a.std(), b.std()) > 1e-9 else 0.0


def drawn(file: Path, person: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What was drawn of a person: arrays (T,) by signal, and (n, 2) first and last second of each event by kind."""
    with np.load(file, allow_pickle=False) as truth:
        head = np.radians(truth["head"][:, person])
        curves = {name: truth[name][:, person] for name in ("smile", "blink", "jaw")}
        events = {"nod": truth["nods"], "smile": truth["smiles"]}
    times = {kind: rows[rows[:, 0] == person, 1:] for kind, rows in events.items()}
    times["blink"] = np.array(list(intervals(curves["blink"] > 0.01)), float).reshape(-1, 2) / FPS
    return curves | {"pitch": head[:, 0], "yaw": head[:, 1]}, times


def counts(faces: np.ndarray, times: dict[str, np.ndarray], directions: Directions) -> dict[str, np.ndarray]:
    """Drawn events that were found, drawn ones, and found ones where none was drawn: (3,) by kind."""
    found = detect([faces], [0], directions)
    result = {}
    for kind in EVENTS:
        moments = found[kind].time[:, None] / FPS
        inside = (moments >= times[kind][:, 0] - SLACK) & (moments <= times[kind][:, 1] + SLACK)  # (found, drawn)
        result[kind] = np.array([inside.any(0).sum(), len(times[kind]), (~inside.any(1)).sum()])
    return result


def trembling(found: Faces, directions: Directions) -> dict[str, float]:
    """How much a face trembles while it is still, by signal."""
    fast = butter(4, 3, "highpass", fs=FPS, output="sos")
    units = {"smile": directions.smiles_from, "blink": directions.blink_depth}
    result = {}
    for name, values in signals(found.faces[found.valid, :56].astype(np.float64), directions).items():
        power = sosfiltfilt(fast, values) ** 2
        around = uniform_filter1d(power, FPS // 2)
        result[name] = float(np.sqrt(power[around <= np.median(around)].mean())) / units.get(name, 1e-3)
    return result


def extract(backend: str, folders: list[Path], scratch: Path) -> tuple[list[list[Faces]], Directions, float]:
    """Both faces of each recording, what their expressions show, and the CPU-milliseconds of a face."""
    settings, basis = config.FacesSettings(backend=backend), scratch / f"{backend}.npz"
    module = backends.load("faces", backend)
    module.fit_basis([folder / "tracks.npz" for folder in folders], basis, settings)
    outs, found, cost = [scratch / f"{backend}_{side}.npz" for side in SIDES], [], 0.0
    for folder in folders:
        before = time.process_time()
        module.extract_faces(Footage.of(folder), basis, outs, config.TrackingSettings().bridge, settings)
        cost += time.process_time() - before
        found.append([load_faces(out) for out in outs])
    directions = Directions.of(basis)
    assert directions is not None
    return (
        found,
        directions,
        1000 * cost / sum(int(load_tracks(folder / "tracks.npz").found.sum()) for folder in folders),
    )


def angle(weight: np.ndarray, constant: float) -> np.ndarray:
    """The form of `blendshapes.opening`, with another constant."""
    return blendshapes.WIDEST * np.tanh(constant * weight / blendshapes.WIDEST)


def jaw_constant(faces: list[Faces], jaws: list[np.ndarray]) -> float:
    """The constant that fits the weights of jawOpen to drawn jaws (T,) in degrees."""
    column = blendshapes.SHAPES.index("jawOpen")
    weights = [
        blendshapes.with_rest(found.faces, found.rest)[found.valid, column] for found in faces if found.rest is not None
    ]
    radians = [np.radians(jaw[found.valid]) for found, jaw in zip(faces, jaws, strict=True)]
    (constant, *_), _ = curve_fit(angle, np.concatenate(weights), np.concatenate(radians), p0=[1.0])
    return float(constant)


def table(title: str, heads: list[str], rows: dict[str, list[str]]) -> None:
    print(f"\n{title}\n{'':14}" + "".join(f"{head:>14}" for head in heads))
    for name, cells in rows.items():
        print(f"{name:14}" + "".join(f"{cell:>14}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path, help="folder with *.truth.npz")
    parser.add_argument("videos", type=Path, help="folder with one folder of video.mp4 and tracks.npz per recording")
    parser.add_argument("--only", nargs="*", default=[], help="names of recordings; default: all")
    parser.add_argument("--still", type=Path, help="folder of a recording without truth, with video.mp4 and tracks.npz")
    args = parser.parse_args()
    files = [f for f in sorted(args.truth.glob("*.truth.npz")) if not args.only or f.name.split(".")[0] in args.only]
    folders = [args.videos / file.name.split(".")[0] for file in files]
    near: dict[str, list[str]] = {}
    counted: dict[str, list[str]] = {}
    still: dict[str, list[str]] = {}
    jaw = ""
    truths = [drawn(file, person) for file in files for person in range(len(SIDES))]
    with tempfile.TemporaryDirectory() as scratch:
        for backend in BACKENDS:
            found, directions, cost = extract(backend, folders, Path(scratch))
            faces = [face for both in found for face in both]
            rows = [correlations(face, curves, directions) for face, (curves, _) in zip(faces, truths, strict=True)]
            values = [[row[name] for row in rows] for name in (*SIGNALS, *BEST)]
            near[backend] = [f"{np.mean(each):.2f} ({np.min(each):.2f})" for each in values] + [f"{cost:.1f}"]
            both = [counts(face.faces, times, directions) for face, (_, times) in zip(faces, truths, strict=True)]
            sums = [np.sum([one[kind] for one in both], 0) for kind in EVENTS]
            counted[backend] = [f"{hits} of {total}, {wrong}" for hits, total, wrong in sums]
            if backend == "blendshapes":
                jaw = f"{jaw_constant(faces, [curves['jaw'] for curves, _ in truths]):.2f}"
            if args.still:
                (both_still,), directions, _ = extract(backend, [args.still], Path(scratch))
                for side, face in zip(SIDES, both_still, strict=True):
                    trembles = trembling(face, directions)
                    still[f"{backend} {side}"] = [f"{trembles[name]:.2f}" for name in SIGNALS]
    table("correlation with what was drawn", [*SIGNALS, *BEST, "CPU ms/face"], near)
    table("events: found of drawn, and false ones", list(EVENTS), counted)
    if args.still:
        table("trembling", list(SIGNALS), still)
    print(f"\njaw: {jaw} rad per weight of jawOpen near 0 (in use: {blendshapes.OPENS})")


if __name__ == "__main__":
    main()
