"""A recording is whole, agrees with its truth, and comes out the same every time."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from l2l.cli.main import main
from l2l.config import from_differences
from l2l.demo import recording
from l2l.demo.recording import write_recording
from l2l.units import FPS

CODE = """
import sys
from pathlib import Path
from l2l.config import from_differences
from l2l.demo.recording import write_recording
write_recording(Path(sys.argv[1]), 1, from_differences(["demo.seconds=8"]))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same recording by two processes: this one and another."""
    made = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    write_recording(made[0], 1, from_differences(["demo.seconds=8"]))
    subprocess.run([sys.executable, "-c", CODE, str(made[1])], check=True, capture_output=True)
    return made


def test_two_processes_write_the_same_bytes_and_nothing_else(folders: list[Path]) -> None:
    names = ["demo_01.mp4", "demo_01.truth.npz"]
    for folder in folders:
        assert sorted(path.name for path in folder.iterdir()) == names
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_the_command_writes_the_recordings_that_are_named_or_all(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(recording, "write_recording", lambda out, index, settings: written.append(index))
    assert main(["demo-video", "out", "--only", "4", "2"]) == 0
    assert main(["demo-video", "out", "--set", "demo.recordings=3"]) == 0
    assert written == [4, 2, 0, 1, 2]


def test_the_video_is_as_promised(folders: list[Path]) -> None:
    with av.open(str(folders[0] / "demo_01.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (640, 360, FPS)
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert audio.codec_context.name == "aac"
        assert sum(1 for _ in container.decode(video)) == 8 * FPS
    with av.open(str(folders[0] / "demo_01.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    assert len(sound) / 16000 == pytest.approx(8, abs=0.2)
    # A quiet room, not digital silence.
    quiet = sound[800:4000]
    assert 1e-4 < np.sqrt(np.mean(quiet**2)) < 1e-2
    assert np.abs(sound).max() > 0.3


def test_the_truth_has_one_row_per_frame_and_fits_the_sound(folders: list[Path]) -> None:
    with np.load(folders[0] / "demo_01.truth.npz", allow_pickle=False) as truth:
        arrays = dict(truth)
    count = 8 * FPS
    shapes = {name: arrays[name].shape for name in ("speaking", "backchannel", "head", "jaw", "smile", "blink")}
    assert shapes == {
        "speaking": (count, 2),
        "backchannel": (count, 2),
        "head": (count, 2, 3),
        "jaw": (count, 2),
        "smile": (count, 2),
        "blink": (count, 2),
    }
    for name in ("turns", "pauses", "nods", "smiles", "chews"):
        assert arrays[name].ndim == 2 and arrays[name].shape[1] == 3
    assert len(arrays["pauses_answered"]) == len(arrays["pauses"])
    assert len(arrays["smiles_reply"]) == len(arrays["smiles"])
    assert not np.any(arrays["backchannel"] & ~arrays["speaking"])

    with av.open(str(folders[0] / "demo_01.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    sound = np.pad(sound, (0, max(0, 8 * 16000 - len(sound))))[: 8 * 16000]
    level = np.sqrt(np.mean(sound.reshape(count // 3, -1) ** 2, 1))  # tenths of a second
    talking = arrays["speaking"].any(1).reshape(-1, 3)
    assert np.median(level[talking.all(1)]) > 10 * np.median(level[~talking.any(1)])
    # Jaws move with the voice of their own person.
    for person in (0, 1):
        spoken = arrays["speaking"][:, person]
        if spoken.any():
            assert arrays["jaw"][spoken, person].mean() > 3 * arrays["jaw"][~spoken, person].mean()
