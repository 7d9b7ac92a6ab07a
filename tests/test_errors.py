"""Whose fault an error is: the recording's, or the machine's, so that a full disk never makes a smaller data set."""

import errno
import resource
import stat
import subprocess
import sys
from pathlib import Path

import av.error
import numpy as np
import pytest

from l2l import config
from l2l.errors import SetupError, Stopped, TemporaryError, UserError, blames_recording
from l2l.report import check
from l2l.video import media
from l2l.video.media import read_frames, video_writer
from l2l.video.normalise import normalise
from tests.media import noise_video


def caused_by(error: Exception) -> UserError:
    """A UserError raised while handling `error`, as readers of files raise it."""
    try:
        try:
            raise error
        except Exception:
            raise UserError("tracks.npz is not a tracks.npz.") from None
    except UserError as found:
        return found


@pytest.mark.parametrize(
    ("error", "recordings"),
    [
        (UserError("a.mp4 is not a video."), True),
        (ZeroDivisionError(), True),
        (FileNotFoundError(errno.ENOENT, ""), True),
        (caused_by(ValueError()), True),
        (caused_by(OSError(errno.EIO, "")), False),
        (OSError(errno.ENOSPC, ""), False),
        (OSError("2304 requested and 1312 written"), False),  # as numpy says it
        (PermissionError(errno.EACCES, ""), False),
        (MemoryError(), False),
        (caused_by(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")), False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), False),
        (type("AcceleratorError", (RuntimeError,), {})("device-side assert"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), True),
        (av.error.OSError(errno.EMFILE, "Too many open files"), False),
        (av.error.OSError(errno.EIO, "Input/output error"), True),
        (Stopped("later"), False),
        (SetupError("no weights"), False),
        (ModuleNotFoundError("onnxruntime"), False),
    ],
)
def test_an_error_is_the_recordings_own_or_the_machines(error, recordings):
    assert blames_recording(error) == recordings


def normalised(source: Path, folder: Path) -> None:
    outs = (folder / name for name in ("video.mp4", "audio.wav", "probe.json"))
    normalise(source, *outs, config.VideoSettings(max_height=144))


def test_a_recording_that_may_not_be_read_is_its_own_fault(tmp_path, monkeypatch):
    (tmp_path / "in.mp4").write_text("secret")
    monkeypatch.setattr(media.os, "access", lambda path, mode: False)  # a test may run as root
    with pytest.raises(UserError, match=r"in\.mp4 may not be read") as error:
        normalised(tmp_path / "in.mp4", tmp_path / "out")
    assert blames_recording(error.value)


def fake_ffmpeg(monkeypatch: pytest.MonkeyPatch, path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(media, "ffmpeg_path", lambda: str(path))


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 228", TemporaryError, "No space left"),
        ("echo 'Error writing trailer: Input/output error' >&2; exit 1", TemporaryError, "could not write"),
        ("kill -9 $$", TemporaryError, "was killed"),
        ("exit 255", TemporaryError, "was killed"),
        ("echo 'moov atom: Invalid data' >&2; exit 1", UserError, "check that it plays to the end"),
        ('echo "Permission denied.mp4: Invalid data" >&2; exit 1', UserError, "check that it plays to the end"),
    ],
)
def test_ffmpeg_blames_the_recording_only_where_nothing_else_is_wrong(tmp_path, monkeypatch, script, kind, words):
    source = noise_video(tmp_path / "Permission denied.mp4", 0.5)
    fake_ffmpeg(monkeypatch, tmp_path / "ffmpeg", script)
    with pytest.raises(kind, match=words) as error:
        normalised(source, tmp_path / "out")
    assert blames_recording(error.value) == (kind is UserError)
    assert not list((tmp_path / "out").iterdir())


def test_a_disk_that_takes_no_more_is_not_the_recordings_fault(tmp_path):
    source = noise_video(tmp_path / "in.mp4", 2.0)
    child = f"""
import sys; from pathlib import Path
from tests.test_errors import normalised
from l2l.errors import TemporaryError
try: normalised(Path({str(source)!r}), Path({str(tmp_path / "out")!r}))
except TemporaryError: sys.exit(75)
"""
    limit = (20_000, 20_000)  # bytes that a file may have
    done = subprocess.run(
        [sys.executable, "-c", child], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    )
    assert done.returncode == 75 and not list((tmp_path / "out").iterdir())


def test_a_writer_whose_ffmpeg_dies_says_so(tmp_path, monkeypatch):
    fake_ffmpeg(monkeypatch, tmp_path / "ffmpeg", "exec 0<&-; echo 'No space left on device' >&2; exit 228")
    with pytest.raises(TemporaryError, match="No space left"), video_writer(tmp_path / "a.mp4", 640, 480) as write:
        for _ in range(100):
            write(np.zeros((480, 640, 3), np.uint8))


def test_what_the_disk_does_not_give_is_not_damage_of_the_recording(tmp_path, monkeypatch):
    (tmp_path / "in.mp4").write_text("no video")

    def failing(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(media, "check_readable", failing)
    with pytest.raises(OSError, match="Input/output"):
        list(read_frames(tmp_path / "in.mp4"))


def test_who_goes_on_without_a_bad_input_does_not_go_on_without_room(tmp_path, monkeypatch):
    """`l2l check` puts a recording that cannot be used on its page; a full disk or SIGTERM is no recording's fault."""

    def glance(path, settings):
        raise Stopped("stopped by SIGTERM.")

    monkeypatch.setattr(check, "glance", glance)
    with pytest.raises(Stopped):
        check.check([tmp_path / "a.mp4"], tmp_path / "check.html", config.Settings())
    assert not list(tmp_path.iterdir())


def test_a_folder_of_two_files_is_read_through_like_one(tmp_path):
    (tmp_path / "left.mp4").write_text("no video")
    media.check_readable(tmp_path)
    (tmp_path / "right.mp4").mkdir()
    with pytest.raises(OSError):
        media.check_readable(tmp_path)
