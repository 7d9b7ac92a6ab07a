"""How fast, and in how much memory, each backend does its step: every run as its own process.

    python -m benchmarks.backends                               # every backend, on the demo's first recording
    python -m benchmarks.backends syncnet --threads 1 2         # one of them
    python -m benchmarks.backends vad_lips --minutes 20         # the recording looped: memory must not grow
    python -m benchmarks.backends syncnet --recording talk.mp4

Prints one line per run: settings, threads, seconds of the whole command on the clock and of the processors, frames per
second on the clock, peak memory of the process and its children. Weights that are not there are replaced by random
ones where a backend takes any: that costs the same. To add a backend, add its line to `BACKENDS`.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from preprocess import looped, measure

from l2l.files import NpzWriter
from l2l.units import FPS, SAMPLE_RATE
from l2l.video.tracks import BLOCK, block_name, load_tracks
from l2l.weights import catalogue as weights


@dataclass(frozen=True)
class Case:
    """A backend with what is tried of it."""

    step: str
    name: str
    variants: tuple[str, ...] = ("",)  # settings, "section.key=value ..."
    threads: str = ""  # the setting that says how many threads
    weights: tuple[str, ...] = ()  # entries of l2l/weights/weights.yaml
    random: Callable[[Path], None] | None = None  # writes random weights into a folder; None: only real ones will do


def random_multisensory(folder: Path) -> None:
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from tests.speech.multisensory_weights import write_random

    write_random(folder)


def random_weights(net: str, path: str) -> Callable[[Path], None]:
    """A function that writes a network's first, random weights: `net` is "module:class", `path` is below a folder."""

    def write(folder: Path) -> None:
        import torch

        module, name = net.split(":")
        target = folder / path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            torch.save(getattr(importlib.import_module(module), name)().state_dict(), target)

    return write


def random_deca(folder: Path) -> None:
    """Write DECA's encoders with their first, random weights."""
    import torch

    from l2l.faces.deca_nets import DETAIL, MODEL, PARAMETERS, Encoder

    target = folder / MODEL[1]
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        nets = {"E_flame": Encoder(PARAMETERS), "E_detail": Encoder(DETAIL)}
        torch.save({name: net.state_dict() for name, net in nets.items()}, target)


BACKENDS = [
    Case("diarization", "vad_lips"),
    Case(
        "diarization",
        "syncnet",
        ("", "diarization.syncnet.batch_size=1", "diarization.syncnet.batch_size=20"),
        threads="diarization.syncnet.threads",
        weights=("syncnet",),
        random=random_weights("l2l.speech.syncnet:SyncNet", "syncnet/syncnet_v2.model"),
    ),
    Case(
        "diarization",
        "syncnet",
        ("diarization.syncnet.detector=s3fd",),
        threads="diarization.syncnet.threads",
        weights=("syncnet", "s3fd"),
        # Random weights see no faces to go on with.
    ),
    Case(
        "diarization",
        "light_asd",
        ("", "diarization.light_asd.batch_size=1", "diarization.light_asd.batch_size=6"),
        threads="diarization.light_asd.threads",
        weights=("light_asd",),  # their sha256 is known, so only they are taken
    ),
    Case("separation", "gating"),
    Case(
        *("separation", "multisensory"),
        variants=tuple(
            f"separation.multisensory.{one}" for one in ("batch_size=1", "batch_size=4", "overlap=0.1", "window=4")
        ),
        threads="separation.multisensory.threads",
        weights=("multisensory",),
        random=random_multisensory,
    ),
    Case("faces", "landmarks"),
    Case("faces", "blendshapes", weights=("face_landmarker",)),  # its sha256 is known, so only it is taken
    Case(
        "faces",
        "deca",
        ("", "faces.deca.batch_size=1", "faces.deca.batch_size=64", "faces.deca.detail=false"),
        threads="faces.deca.threads",
        weights=("deca",),
        random=random_deca,
    ),
]


def command(step: str, folder: Path) -> list[str]:
    """The command of a step on the recording in `folder`; what it writes is thrown away."""
    tracks, audio, video = (str(folder / name) for name in ("tracks.npz", "audio.wav", "video.mp4"))
    out = folder / "out"
    out.mkdir(exist_ok=True)
    where = ["--video", video, "--out"]
    return {
        "diarization": ["diarize", "--tracks", tracks, "--audio", audio, *where, f"{out}/speaking.npz"],
        "separation": [
            *["separate", "--tracks", tracks, "--audio", audio, "--speaking", f"{folder}/speaking.npz"],
            *[*where, str(out)],
        ],
        "faces": ["faces", tracks, "--basis", f"{folder}/basis.npz", *where, str(out)],
    }[step]


def prepare(source: Path | None, minutes: float, folder: Path) -> int:
    """Put a recording with all that the steps need into `folder`, looped to `minutes`; returns its frames."""
    if source is None:
        run("demo-video", str(folder), "--only", "0")
        source = folder / "demo_00.mp4"
    run("normalise", str(source), "--out", str(folder))
    run("track", f"{folder}/video.mp4", "--out", f"{folder}/tracks.npz")
    frames = len(load_tracks(folder / "tracks.npz"))
    if (times := round(minutes * 60 * FPS / frames)) > 1:
        frames = loop(folder, times)
    inputs = ["--tracks", f"{folder}/tracks.npz", "--audio", f"{folder}/audio.wav"]
    run("diarize", *inputs, "--out", f"{folder}/speaking.npz")
    return frames


def run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "l2l", *words], check=True)


def loop(folder: Path, times: int) -> int:
    """Repeat picture, sound and tracks in place; returns the number of frames."""
    (folder / "looped").mkdir()
    looped(folder / "video.mp4", times, folder / "looped").replace(folder / "video.mp4")
    sound, _ = soundfile.read(folder / "audio.wav", dtype="int16")
    tracks = load_tracks(folder / "tracks.npz")
    one = round(len(tracks) * SAMPLE_RATE / FPS)
    soundfile.write(folder / "audio.wav", np.tile(sound[:one], times), SAMPLE_RATE, subtype="PCM_16")
    with np.load(folder / "tracks.npz") as file:
        landmarks = np.concatenate([file[name] for name in sorted(file.files) if name.startswith("landmarks")])
    total = len(tracks) * times
    with NpzWriter(folder / "looped.npz") as writer:
        for block, start in enumerate(range(0, total, BLOCK)):
            rows = np.arange(start, min(start + BLOCK, total)) % len(tracks)
            writer.add(block_name(block), landmarks[rows])
        writer.add("size", np.array([tracks.width, tracks.height], np.int32))
        for name in ("found", "score", "box"):
            array = getattr(tracks, name)
            writer.add(name, np.tile(array, (times, *[1] * (array.ndim - 1))))
        # No cut where the recording starts again: one long scene is the hardest case for memory.
        writer.add("segment", np.tile(tracks.segment, times))
    (folder / "looped.npz").replace(folder / "tracks.npz")
    return total


def with_weights(case: Case, folder: Path) -> str:
    """Make every weight file findable; returns "real", "random", or "" when the backend cannot run."""
    if all(weights.status(name) in ("ready", "unverified") for name in case.weights):
        return "real"
    if case.random is None:
        return ""
    (folder / "weights").mkdir(exist_ok=True)
    for file in weights.folder().iterdir():
        if not (folder / "weights" / file.name).exists():
            (folder / "weights" / file.name).symlink_to(file.resolve())
    case.random(folder / "weights")
    return "random"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="backends; default: all of them")
    parser.add_argument("--recording", type=Path, help="a video of two people; default: the demo's first")
    parser.add_argument("--minutes", type=float, default=0.0, help="loop the recording to about this length")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2], help="numbers of threads to try")
    args = parser.parse_args()
    cases = [case for case in BACKENDS if not args.names or case.name in args.names]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        frames = prepare(args.recording, args.minutes, folder)
        print(f"{frames} frames, {frames / FPS / 60:.1f} minutes")
        heads = f"{'seconds':>9}{'CPU s':>9}{'frames/s':>10}{'peak MB':>9}"
        print(f"{'backend':14}{'settings':44}{'weights':>9}{'threads':>9}{heads}")
        usual = weights.folder()
        for case in cases:
            os.environ["L2L_WEIGHTS"] = str(usual)
            kind = with_weights(case, folder)
            if not kind:
                print(f"{case.name:14}not measured: the weights {', '.join(case.weights)} are missing", flush=True)
                continue
            os.environ["L2L_WEIGHTS"] = str(folder / "weights" if kind == "random" else usual)
            if case.step == "faces":
                run(*f"fit-faces {folder}/tracks.npz --out {folder}/basis.npz --set faces.backend={case.name}".split())
            for variant in case.variants:
                for threads in args.threads if case.threads else [1]:
                    chosen = [f"{case.step}.backend={case.name}", *variant.split()]
                    chosen += [f"{case.threads}={threads}"] if case.threads else []
                    words = [*command(case.step, folder), "--set", *chosen]
                    cost = measure(words, folder / "notes", threads)
                    row = f"{case.name:14}{variant or '-':44}{kind:>9}{threads:>9}{cost.seconds:>9.1f}{cost.cpu:>9.1f}"
                    print(f"{row}{frames / cost.seconds:>10.1f}{cost.peak:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
