"""Google's face landmarker: 478 points of a face, and from 146 of them the weights of 52 shapes, ARKit's by name.

- The bundle is a zip with two networks that are used here. Both run through LiteRT, each with one thread.
- The points are the 468 of the tracked mesh and 10 of the irises, better ones than the tracked: the mesh network of
  tracking hardly sees lids and lips move.
- The second network takes x and y in pixels of the picture. Place and size do not matter to it.
"""

import zipfile

import numpy as np

from l2l.errors import UserError
from l2l.faces import geometry
from l2l.video.face_nets import Network, Region, crop_region, points_in_picture
from l2l.video.mesh import LANDMARKS
from l2l.video.picture import Picture
from l2l.weights import catalogue as weights

BUNDLE = ("face_landmarker", "face_landmarker/face_landmarker_v2.task")
POINTS = 478
_SIDE = 256  # pixels of a crop

# The order of the network's outputs. It has no tongueOut, which ARKit has.
SHAPES = (
    "_neutral",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip

# The points that the second network looks at (MediaPipe's face_blendshapes_graph).
_SEEN = np.array(
    [0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
     81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
     154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249,
     251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314,
     317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
     384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, *range(468, 478)]
)  # fmt: skip


def _read(*names: str) -> list[bytes]:
    """Files of the bundle. Raises UserError when it is missing or is not the stated one."""
    path = weights.find(*BUNDLE)
    try:
        with zipfile.ZipFile(path) as bundle:
            return [bundle.read(name) for name in names]
    except (zipfile.BadZipFile, KeyError) as error:
        raise UserError(f"{path} is not a face landmarker ({error}); delete it and fetch it again.") from None


class FaceLandmarker:
    """The two networks. Raises UserError when the bundle is missing or is not the stated file."""

    def __init__(self) -> None:
        self._points, self._shapes = map(Network, _read("face_landmarks_detector.tflite", "face_blendshapes.tflite"))

    def points(self, picture: np.ndarray | Picture, region: Region) -> np.ndarray:
        """(478, 3) pixels of an RGB picture (H, W, 3) uint8, of the face in a region; z grows away from the camera."""
        crop, to_picture = crop_region(picture, region, _SIDE)
        found = self._points(crop)[POINTS * 3].reshape(POINTS, 3)
        return points_in_picture(found, to_picture, region.side / _SIDE)

    def shapes(self, points: np.ndarray) -> np.ndarray:
        """(52,) weights 0..1 of the shapes, in the order of `SHAPES`, from points (478, 3)."""
        return self._shapes(points[_SEEN, :2].astype(np.float32)[None])[len(SHAPES)]


def canonical_face() -> np.ndarray:
    """(468, 3) the bundle's mesh of an average face at rest: upright, frontal, symmetric, outer-eye distance 1."""
    (metadata,) = _read("geometry_pipeline_metadata_landmarks.binarypb")
    # Vertices are one field of a protobuf message, each number with its tag: x, y, z (up, towards the camera), u, v.
    first = metadata.index(b"\x08\x00\x10\x00\x1d") + 4
    numbers = np.frombuffer(metadata, [("tag", "u1"), ("value", "<f4")], LANDMARKS * 5, first)
    vertices = numbers["value"].reshape(LANDMARKS, 5)[:, :3].astype(np.float64)
    return geometry.frontal(geometry.symmetric(vertices * [1, -1, -1]))
