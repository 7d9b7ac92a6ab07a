"""Footage: one normalised recording with its tracks, the input of every backend after tracking."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VOICES = ("voice_left.wav", "voice_right.wav")
REPORT = "sync.json"  # what the lips say of the sound


@dataclass(frozen=True)
class Footage:
    """Files of one recording, to read."""

    video: Path  # 30 frames per second
    audio: Path  # 16 kHz mono, as long as the video
    tracks: Path  # tracks.npz: two people, the one on the left first
    voices: tuple[Path, ...] = ()  # the sound of the left and of the right person's microphone, where each has one

    @classmethod
    def of(cls, folder: Path) -> "Footage":
        """The files under the names that the workflow gives them.

        Of a video with two microphones, sync.json says which is whose; where the lips do not tell, neither is used.
        """
        voices = tuple(folder / name for name in VOICES)
        whose = said(folder / REPORT).get("voices", "kept")
        if not voices[0].exists() or whose == "unknown":
            voices = ()
        elif whose == "swapped":
            voices = voices[::-1]
        return cls(folder / "video.mp4", folder / "audio.wav", folder / "tracks.npz", voices)


def said(report: Path) -> dict[str, Any]:
    """What a report (.json) says; nothing where there is none."""
    try:
        found = json.loads(report.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
