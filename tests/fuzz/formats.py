"""Each format: a good file, and how the program reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
import yaml

from l2l import config
from l2l.architectures import train_codebook
from l2l.config.load import load
from l2l.dataset.by_hand import chunk_arrays
from l2l.dataset.face_tables import read_faces
from l2l.dataset.layout import check_numbers, chunk_paths, load_chunks
from l2l.dataset.samples import load_samples, sampling_of
from l2l.evaluation.arrays import read_clips
from l2l.evaluation.folds import pooled
from l2l.evaluation.report import dumps, read_report
from l2l.faces.store import load_faces, read_basis, write_faces
from l2l.features.standardize import Standardizer
from l2l.files import NpzWriter, save_npz
from l2l.patches.checkpoint import load_codebook
from l2l.recordings.recordings import in_sheet
from l2l.recordings.table import read_table
from l2l.released.convert import read_statistics, write_statistics
from l2l.speech.mel import load_mel
from l2l.speech.speaking import load_speaking, write_speaking
from l2l.speech.vad import read_wav
from l2l.training.resume import read as read_resume
from l2l.video.normalise import normalise
from l2l.video.tracks import block_name, load_tracks
from l2l.weights.archives import open_archive
from l2l.weights.flame_import import read_pickle
from l2l.weights.state_dicts import read_torch
from tests.dataset.archives import person_arrays, write_tar
from tests.dataset.tables import write_livelink
from tests.evaluation.test_report import report
from tests.media import noise_video
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches

RANDOM = np.random.default_rng(0)
FRAMES = 12


@dataclass(frozen=True)
class Format:
    """`make` writes a good file into a folder and returns its path; `read` takes the path of a mutant of it."""

    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    share: float = 1.0  # of the mutants that others get: reading a video takes long


def _tracks(folder: Path) -> Path:
    with NpzWriter(folder / "tracks.npz") as file:
        file.add(block_name(0), RANDOM.integers(0, 999, (FRAMES, 2, 468, 3)).astype(np.int16))
        file.add("size", np.array([640, 360], np.int32))
        file.add("found", np.ones((FRAMES, 2), bool))
        file.add("score", np.ones((FRAMES, 2), np.float32))
        file.add("box", np.ones((FRAMES, 2, 4), np.float32))
        file.add("segment", np.zeros(FRAMES, np.int32))
    return folder / "tracks.npz"


def _speaking(folder: Path) -> Path:
    write_speaking(folder / "speaking.npz", folder / "a.rttm", RANDOM.random((FRAMES, 2)), np.ones(FRAMES), "a")
    return folder / "speaking.npz"


def _faces(folder: Path) -> Path:
    motion = RANDOM.normal(size=(FRAMES, 56))
    write_faces(folder / "faces_left.npz", motion, np.ones(FRAMES), np.zeros(FRAMES), np.zeros((468, 3)))
    return folder / "faces_left.npz"


def _basis(folder: Path) -> Path:
    arrays = {"template": np.zeros((468, 3)), "components": np.zeros((50, 1404))}
    save_npz(folder / "face_basis.npz", backend=np.array("landmarks"), **arrays)
    return folder / "face_basis.npz"


def _samples(folder: Path) -> Path:
    drawn = {"samples": np.zeros((2, 3, 64, 56), np.float32), "first_frame": np.array(32), "given": np.full(3, 32)}
    sampling = np.array(config.SamplingSettings().model_dump_json())
    save_npz(folder / "samples.npz", **drawn, seed=np.array(0), sampling=sampling)
    return folder / "samples.npz"


def _fold(folder: Path) -> Path:
    values = {"true": RANDOM.random(2), "without": np.full(2, np.nan), "shifted": RANDOM.random((3, 2))}
    save_npz(folder / "1.npz", error=np.array("nll"), recordings=np.array(["a", "b"]), **values)
    return folder / "1.npz"


def _statistics(folder: Path) -> Path:
    columns = {"listener": 56, "speaker": 56, "audio": 128}
    scales = {
        name: Standardizer.from_dict({"mean": np.zeros(n), "std": np.ones(n)}, "none") for name, n in columns.items()
    }
    write_statistics(folder / "core.npz", scales)
    return folder / "core.npz"


def _clips(folder: Path, name: str) -> Path:
    clips = RANDOM.normal(size=(2, 30, 56)).astype(np.float32)
    if name.endswith("npz"):
        np.savez_compressed(folder / name, a=clips[0], b=clips[1, :20])
    else:
        np.save(folder / name, clips)
    return folder / name


def _mel(folder: Path) -> Path:
    np.save(folder / "mel_left.npy", RANDOM.random((4 * FRAMES, 128)).astype(np.float32))
    return folder / "mel_left.npy"


def _chunks(folder: Path, part: str) -> Path:
    for name, array in person_arrays(folder).items():
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / "data" / name, array)
    return chunk_paths(folder / "data", "train", "left")[part]


def _read_chunks(path: Path) -> None:
    parts = ("listener", "speaker", "audio")
    check_numbers(path.parent.parent, "train", load_chunks(path.parent.parent, "train", "left"), parts)


def _by_hand(folder: Path) -> Path:
    for name in ("a", "b"):
        (folder / "raw" / name).mkdir(parents=True)
        for side in ("p0", "p1"):
            np.save(folder / "raw" / name / f"{side}_faces.npy", RANDOM.normal(size=(70, 56)).astype(np.float32))
        np.save(folder / "raw" / name / "p1_audio.npy", RANDOM.random((280, 128)).astype(np.float32))
    return folder / "raw/a/p1_audio.npy"


def _read_by_hand(path: Path) -> None:
    raw = path.parent.parent
    chunk_arrays(raw, {"train": ["a"], "test": ["b"]}, raw.parent / "out", "left", config.ChunkingSettings())
    _read_chunks(chunk_paths(raw.parent / "out", "train", "left")["audio"])


def _wav(folder: Path) -> Path:
    soundfile.write(folder / "a.wav", 0.1 * RANDOM.normal(size=8000), 16000)
    return folder / "a.wav"


def _read_wav(path: Path) -> None:
    with read_wav(path) as file:
        file.read(16000, dtype="float32")


def _video(folder: Path, name: str) -> Path:
    return noise_video(folder / name, 0.5)


def _read_video(path: Path) -> None:
    outs = [path.parent / name for name in ("video_out.mp4", "audio.wav", "probe.json")]
    normalise(path, *outs, config.VideoSettings(max_minutes=0.3, max_memory=1500))


def _checkpoint(folder: Path) -> Path:
    write_chunks(folder / "data", windows=3, videos=2)
    train_codebook(folder / "data", "left", tiny_patches(4), folder / "codebook.pt", folder / "log")
    return folder / "codebook.pt"


def _resume(folder: Path) -> Path:
    torch.save(
        {"run": "run", "state": {"step": 3, "running": 1.5}, "model": {"a": torch.zeros(3)}}, folder / "resume.pt"
    )
    return folder / "resume.pt"


def _tar(folder: Path) -> Path:
    return write_tar(folder / "conan_data.tar", person_arrays(folder / "made"), "conan")


def _read_tar(path: Path) -> None:
    with open_archive(path) as archive:
        assert archive.files is not None


def _pickle(folder: Path) -> Path:
    import pickle

    (folder / "flame.pkl").write_bytes(pickle.dumps({"f": np.zeros((3, 3)), "v_template": np.ones((5, 3))}, 2))
    return folder / "flame.pkl"


def _yaml(folder: Path) -> Path:
    values = {"people": {"alice": {"listener": "left"}, "demo": {"source": "demo", "listener": "left"}}, "seed": 3}
    (folder / "config.yaml").write_text(yaml.safe_dump(values | {"codebook": {"codes": 8}}))
    return folder / "config.yaml"


def _json(folder: Path) -> Path:
    (folder / "eval.json").write_text(dumps(report()))
    return folder / "eval.json"


def _table(folder: Path) -> Path:
    from l2l.recordings.recordings import Recording
    from l2l.recordings.table import write_table

    write_table(folder / "preprocess.tsv", [Recording("a", "a.mp4", split="train", seconds=3.5, tracked=0.9)])
    return folder / "preprocess.tsv"


def _sheet(folder: Path) -> Path:
    rows = ["person\tpath\tstart\tend\tsplit", "alice\ta.mp4\t1\t20.5\ttrain", "alice\tb.mp4\t\t\ttest"]
    (folder / "sheet.tsv").write_text("\n".join(rows))
    return folder / "sheet.tsv"


def _livelink(folder: Path) -> Path:
    write_livelink(folder / "p0_faces.csv", 1.0)
    return folder / "p0_faces.csv"


def _config(path: Path) -> Any:
    return config.validate(load(path), str(path))


FORMATS = {
    "tracks.npz": Format(_tracks, lambda path: list(load_tracks(path).blocks())),
    "speaking.npz": Format(_speaking, load_speaking),
    "faces.npz": Format(_faces, load_faces),
    "basis.npz": Format(_basis, lambda path: read_basis(path, "landmarks", "template", "components")),
    "samples.npz": Format(_samples, lambda path: sampling_of(load_samples(path, 3), path)),
    "fold.npz": Format(_fold, lambda path: pooled([path])),
    "statistics.npz": Format(_statistics, lambda path: read_statistics(path, ("listener", "audio"))),
    "clips.npz": Format(lambda folder: _clips(folder, "pred.npz"), lambda path: read_clips(path, "exp-pose")),
    "clips.npy": Format(lambda folder: _clips(folder, "pred.npy"), lambda path: read_clips(path, "exp-pose")),
    "mel.npy": Format(_mel, load_mel),
    "listener.npy": Format(lambda folder: _chunks(folder, "listener"), _read_chunks),
    "files.npy": Format(lambda folder: _chunks(folder, "files"), _read_chunks),
    "audio by hand": Format(_by_hand, _read_by_hand, 0.3),
    "wav": Format(_wav, _read_wav),
    "mp4": Format(lambda folder: _video(folder, "a.mp4"), _read_video, 0.1),
    "mkv": Format(lambda folder: _video(folder, "a.mkv"), _read_video, 0.1),
    "codebook.pt": Format(_checkpoint, load_codebook),
    "resume.pt": Format(_resume, lambda path: read_resume(path, "run")),
    "weights.pth": Format(_checkpoint, read_torch),
    "tar": Format(_tar, _read_tar, 0.3),
    "pickle": Format(_pickle, read_pickle),
    "config.yaml": Format(_yaml, _config),
    "eval.json": Format(_json, read_report),
    "preprocess.tsv": Format(_table, read_table),
    "sheet.tsv": Format(_sheet, lambda path: in_sheet(path, "alice")),
    "livelink.csv": Format(_livelink, read_faces),
}
