"""How many pictures of a face are drawn in a second, on one core.

    python -m benchmarks.rendering results/demo/face_basis.npz results/demo/videos/demo_00/faces_left.npz

A picture is one face of the file, as in previews: mesh, lids, eyes and shading. The first one, which compiles the
rasteriser or loads it, is not counted.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from l2l.faces.meshes import mesher_of
from l2l.faces.store import load_faces
from l2l.pictures.face import draw_face


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("basis", type=Path, help="face_basis.npz")
    parser.add_argument("faces", type=Path, help="a faces file of the same backend")
    parser.add_argument("--side", type=int, default=256, help="pixels")
    parser.add_argument("--frames", type=int, default=300)
    args = parser.parse_args()
    found = load_faces(args.faces)
    mesher, faces = mesher_of(args.basis, found.neutral), found.faces[: args.frames]
    canvas = np.empty((args.side, args.side, 3), np.uint8)
    draw_face(canvas, mesher, mesher.vertices(faces[:1])[0], (200, 190, 180))
    start = time.process_time()
    for face in faces:
        canvas[:] = 250
        draw_face(canvas, mesher, mesher.vertices(face[None])[0], (200, 190, 180))
    spent = time.process_time() - start
    print(f"{len(faces)} pictures of {args.side} x {args.side}: {len(faces) / spent:.0f} per CPU-second")


if __name__ == "__main__":
    main()
