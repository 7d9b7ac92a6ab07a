"""Motion in the formats of other programs: one file per format, and what all of them write (`take.py`)."""

from typing import Literal

FormatName = Literal["livelink", "arkit-json", "glb", "bvh", "csv", "eaf", "textgrid"]
FacesBackend = Literal["blendshapes", "landmarks", "deca"]
