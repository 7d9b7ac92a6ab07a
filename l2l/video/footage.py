"""Footage: one normalised recording with its tracks, as backends of later steps see it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Footage:
    """Files of one recording; each may be read, none is written."""

    video: Path  # 30 frames per second
    audio: Path  # 16 kHz mono, as long as the video
    tracks: Path  # tracks.npz: two people, p0 left and p1 right

    @classmethod
    def of(cls, folder: Path) -> "Footage":
        """The files under the names that the workflow gives them."""
        return cls(folder / "video.mp4", folder / "audio.wav", folder / "tracks.npz")
