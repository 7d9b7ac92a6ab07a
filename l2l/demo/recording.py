"""One generated recording: a video as a camera would give it, and the truth about it.

- `demo_00.mp4`: 640x360 at 30 frames per second, two people side by side, both voices in one channel.
- `demo_00.truth.npz`: what the later steps should find. It is written last: where it is, the video is complete.
- The same settings and recording number give the same bytes.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from l2l.config import Settings
from l2l.demo import voices
from l2l.demo.dialogue import Event, Score, write_score
from l2l.demo.motion import move, speaking
from l2l.demo.puppet import WIDTH, Puppet, photograph
from l2l.demo.rig import Pose
from l2l.files import atomic, save_npz, scratch
from l2l.units import SAMPLE_RATE
from l2l.video.media import video_writer
from l2l.video.tracks import PEOPLE

_ROOM_NOISE = 0.0015  # of full scale: a quiet room, -56 dB


def write_recording(out_dir: Path, index: int, settings: Settings) -> None:
    """Write `out_dir`/demo_<index>.mp4 and .truth.npz; the index has two digits.

    The truth holds, for T frames and two people:

    - speaking (T, 2) bool: any voice in the frame; backchannel (T, 2) bool: a back-channel
    - head (T, 2, 3) float32 degrees: pitch (+ nods down), yaw (+ to the picture's left), roll (+ clockwise)
    - jaw (T, 2) float32 degrees; smile, blink (T, 2) float32 0..1
    - turns, pauses, nods, smiles, chews (n, 3) float64: person, start and end in seconds
    - pauses_answered (n,) bool: the listener nods; smiles_reply (n,) bool: it returns the other's

    Raises UserError when a package of l2l[demo] is missing or the disk is full.
    """
    score = write_score(settings, index, voices.say)
    motions = [move(score, settings, index, person) for person in range(PEOPLE)]
    random = np.random.default_rng([settings.seed, index, PEOPLE + 1])
    mixed = np.clip(score.voice(0) + score.voice(1) + _ROOM_NOISE * random.standard_normal(score.samples), -1, 1)
    with scratch() as temporary, atomic(Path(out_dir) / f"demo_{index:02d}.mp4") as partial:
        sound = temporary / "sound.wav"
        soundfile.write(sound, mixed.astype(np.float32), SAMPLE_RATE, subtype="PCM_16")
        _film(partial, sound, motions)
    save_npz(Path(out_dir) / f"demo_{index:02d}.truth.npz", **truth(score, motions))


def truth(score: Score, motions: Sequence[Pose]) -> dict[str, np.ndarray]:
    """The arrays of the truth file, by name (see `write_recording`)."""

    def rows(events: Sequence[Event]) -> np.ndarray:
        return np.array([[event.person, event.start, event.end] for event in events], np.float64).reshape(-1, 3)

    pitch, yaw, roll, jaw, smile, blink = np.stack(motions, -1).astype(np.float32)  # (T, 2) each
    return {
        "speaking": speaking(score),
        "backchannel": speaking(score, backchannels_only=True),
        "head": np.stack([pitch, yaw, roll], -1),
        "jaw": jaw,
        "smile": smile,
        "blink": blink,
        "turns": rows(score.turns),
        "pauses": rows(score.pauses),
        "pauses_answered": np.array([pause.linked for pause in score.pauses], bool),
        "nods": rows(score.nods),
        "smiles": rows(score.smiles),
        "smiles_reply": np.array([smile.linked for smile in score.smiles], bool),
        "chews": rows(score.chews),
    }


@cache
def _puppets() -> list[Puppet]:
    return [Puppet(photograph(person), left=person * WIDTH) for person in range(PEOPLE)]


def _film(path: Path, sound: Path, motions: Sequence[Pose]) -> None:
    puppets = _puppets()
    canvas = np.concatenate([puppet.background for puppet in puppets], 1)  # (360, 640, 3)
    depth = np.empty(canvas.shape[:2], np.float32)
    with video_writer(path, canvas.shape[1], canvas.shape[0], audio=sound, preset="ultrafast") as write:
        for frame in range(len(motions[0].jaw)):
            for puppet, motion in zip(puppets, motions, strict=True):
                puppet.draw(canvas, depth, Pose(*(curve[frame] for curve in motion)))
            write(canvas)
