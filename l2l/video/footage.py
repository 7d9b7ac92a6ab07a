"""Footage: one normalised recording with its tracks, the input of every backend after tracking."""

from dataclasses import dataclass
from pathlib import Path

VOICES = ("voice_left.wav", "voice_right.wav")


@dataclass(frozen=True)
class Footage:
    """Files of one recording, to read."""

    video: Path  # 30 frames per second
    audio: Path  # 16 kHz mono, as long as the video
    tracks: Path  # tracks.npz: two people, the one on the left first
    voices: tuple[Path, ...] = ()  # the sound of the left and of the right person's microphone, where each has one

    @classmethod
    def of(cls, folder: Path) -> "Footage":
        """The files under the names that the workflow gives them."""
        voices = tuple(folder / name for name in VOICES)
        return cls(
            folder / "video.mp4", folder / "audio.wav", folder / "tracks.npz", voices if voices[0].exists() else ()
        )
