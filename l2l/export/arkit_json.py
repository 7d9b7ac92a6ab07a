"""arkit-json: weights of ARKit's 52 shapes as JSON, for programs of one's own and for web pages.

The layout is that of the BEAT data set's facial data: `names`, and `frames` with `weights`, `time` in seconds and
`rotation`. Its rotation is empty; here it is the head's, as a quaternion x, y, z, w in glTF's axes (x to the person's
left, y up, z out of the face).
"""

from pathlib import Path

from l2l.export.take import Take
from l2l.faces.columns import ARKIT
from l2l.files import save_json
from l2l.units import FPS


def write(take: Take, out: Path) -> None:
    """Write one take of backend blendshapes."""
    frames = [
        {"weights": weights, "time": time, "rotation": rotation}
        for weights, time, rotation in zip(
            take.weights().round(6).tolist(),
            take.seconds.round(6).tolist(),
            take.head().as_quat().round(7).tolist(),
            strict=True,
        )
    ]
    about = {"recording": take.recording.name, "what": take.what, "given": take.given}
    save_json(out, {"names": list(ARKIT), "fps": FPS, **about, "frames": frames})
