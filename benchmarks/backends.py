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
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost import Cost, l2l
from benchmarks.preprocess import looped
from l2l.units import FPS
from l2l.video.probing import probe
from l2l.video.tracks import load_tracks
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


COMMANDS = {"diarization": "diarize", "separation": "separate", "faces": "faces"}


def prepare(source: Path | None, minutes: float, folder: Path) -> int:
    """Put a recording with all that the steps need into `folder`, looped to `minutes`; returns its frames."""
    if source is None:
        l2l(["demo-video", str(folder), "--only", "0"])
        source = folder / "demo_00.mp4"
    if (times := round(minutes * 60 / probe(source).seconds)) > 1:
        (folder / "looped").mkdir()
        source = looped(source, times, folder / "looped")
    one = str(folder / "one")
    for words in (["normalise", str(source), "--out", one], ["track", one], ["diarize", one]):
        l2l(words)
    return len(load_tracks(folder / "one/tracks.npz"))


def again(case: Case, folder: Path, settings: list[str], threads: int) -> Cost:
    """What the step costs on a recording on which it was not done yet."""
    command, one = COMMANDS[case.step], folder / "one"
    (one / "steps" / f"{command}.json").unlink(missing_ok=True)
    basis = ["--basis", f"{folder}/basis.npz"] if case.step == "faces" else []
    found = l2l([command, str(one), *basis, "--set", *settings], threads)
    if case.step == "diarization":  # the next step reads the usual answer, whatever was tried
        (one / "steps" / f"{command}.json").unlink()
        l2l([command, str(one)])
    return found


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
                l2l(f"fit-faces {folder}/one --out {folder}/basis.npz --set faces.backend={case.name}".split())
            for variant in case.variants:
                for threads in args.threads if case.threads else [1]:
                    chosen = [f"{case.step}.backend={case.name}", *variant.split()]
                    chosen += [f"{case.threads}={threads}"] if case.threads else []
                    cost = again(case, folder, chosen, threads)
                    row = f"{case.name:14}{variant or '-':44}{kind:>9}{threads:>9}{cost.seconds:>9.1f}{cost.cpu:>9.1f}"
                    print(f"{row}{frames / cost.seconds:>10.1f}{cost.peak:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
