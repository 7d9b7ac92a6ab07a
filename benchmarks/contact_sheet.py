"""Pictures to judge named shapes by: frames of a recording, the mesh drawn from them, and the five strongest shapes.

    l2l fit-faces work --out basis.npz --set faces.backend=blendshapes
    l2l faces work --basis basis.npz
    python -m benchmarks.contact_sheet work --basis basis.npz --out sheet.png

`work` is a folder with video.mp4, tracks.npz and the two faces files. Weights are differences from the face at rest;
the strongest are those that differ most, up or down. Do not publish pictures of people without their consent.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from l2l.faces.blendshapes import SHAPES, with_rest
from l2l.faces.meshes import mesher_of
from l2l.faces.store import Faces, load_faces
from l2l.pictures.face import draw_face
from l2l.sides import SIDES
from l2l.units import FPS
from l2l.video.media import read_frames
from l2l.video.tracks import load_tracks

SIDE = 200  # pixels of a face, and of its mesh
TEXT = 230  # pixels of the words beside them
COLUMNS = 2  # frames in a row
SKIN = (208, 196, 184)


def strongest(faces: Faces, frame: int, count: int = 5) -> list[tuple[str, float]]:
    """Names and weights above rest of the shapes that differ most from it."""
    assert faces.rest is not None
    moved = with_rest(faces.faces[frame : frame + 1], faces.rest)[0] - faces.rest
    return [(SHAPES[k], float(moved[k])) for k in np.argsort(-np.abs(moved))[:count]]


def crop(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The square (SIDE, SIDE, 3) around a face."""
    centre, half = (box[:2] + box[2:]) / 2, 0.75 * float((box[2:] - box[:2]).max())
    scale = SIDE / (2 * half)
    move = np.array([[scale, 0, SIDE / 2 - scale * centre[0]], [0, scale, SIDE / 2 - scale * centre[1]]])
    return np.asarray(cv2.warpAffine(picture, move, (SIDE, SIDE), flags=cv2.INTER_AREA))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("sheet.png"))
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--at", type=int, nargs="*", help="numbers of the frames; default: evenly spread")
    args = parser.parse_args()
    tracks = load_tracks(args.folder / "tracks.npz")
    people = [load_faces(args.folder / f"faces_{side}.npz") for side in SIDES]
    meshers = [mesher_of(args.basis, faces.neutral) for faces in people]
    both = np.flatnonzero(people[0].valid & people[1].valid)
    chosen = args.at or both[np.linspace(0, len(both) - 1, args.frames + 2).astype(int)[1:-1]].tolist()
    cells = []
    for frame, picture in enumerate(read_frames(args.folder / "video.mp4")):
        if frame not in chosen:
            continue
        row = []
        for person, (faces, mesher) in enumerate(zip(people, meshers, strict=True)):
            drawn = np.full((SIDE, SIDE, 3), 250, np.uint8)
            draw_face(drawn, mesher, mesher.vertices(faces.faces[frame, None])[0], SKIN)
            words = np.full((SIDE, TEXT, 3), 255, np.uint8)
            lines = [f"{frame / FPS:.1f} s", *(f"{value:+.2f} {name}" for name, value in strongest(faces, frame))]
            for k, line in enumerate(lines):
                at = (8, 34 + 30 * k)
                cv2.putText(words, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 34), 1, cv2.LINE_AA)
            row.append(np.hstack([crop(picture, tracks.box[frame, person]), drawn, words]))
        cells.append(np.hstack(row))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % COLUMNS)
    sheet = np.vstack([np.hstack(cells[k : k + COLUMNS]) for k in range(0, len(cells), COLUMNS)])
    cv2.imwrite(str(args.out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
