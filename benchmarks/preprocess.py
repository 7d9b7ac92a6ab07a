"""How fast, and in how much memory, a recording becomes chunks: every preprocessing step as its own process, one core.

    python -m benchmarks.preprocess                       # the demo's first recording, 640x360
    python -m benchmarks.preprocess talk.mp4 --repeat 5   # the same recording, looped to five times its length
    python -m benchmarks.preprocess --faces blendshapes   # with another backend of faces

Prints one line per step: seconds, times real time, seconds that processors worked (on a busy machine they are what
counts), peak memory of the process and its children. Training is not part of it. The goal: at least 1.5 times real
time in all on one core, and memory that does not grow with the length.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.cost import l2l
from l2l.video.media import ffmpeg_path
from l2l.video.probing import probe


def looped(source: Path, times: int, folder: Path) -> Path:
    """The recording, repeated without encoding it again."""
    target = folder / source.name
    loop = [ffmpeg_path(), "-loglevel", "error", "-y", "-stream_loop", str(times - 1), "-i", str(source)]
    subprocess.run([*loop, "-c", "copy", str(target)], check=True)
    return target


def steps(source: Path, folder: Path, encode: bool, faces: str) -> list[list[str]]:
    """The commands from a recording to chunks, in order; `faces` is a backend."""
    one = folder / "videos" / "one"
    basis = f"{folder}/face_basis.npz"
    chosen = ["--set", f"faces.backend={faces}"]
    again = ["--set", f"video.max_height={probe(source).height - 2}"] if encode else []
    return [
        ["normalise", str(source), "--out", str(one), *again],
        *([step, str(one)] for step in ("track", "diarize", "separate")),
        ["fit-faces", str(one), "--out", basis, *chosen],
        ["faces", str(one), "--basis", basis, *chosen],
        ["mel", str(one)],
        ["chunk", str(one.parent), "--train", "one", "--listener", "left", "--out", f"{folder}/data"],
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", nargs="?", type=Path, help="a video of two people; default: the demo's first")
    parser.add_argument("--repeat", type=int, default=1, help="loop the recording to this many times its length")
    parser.add_argument("--encode", action="store_true", help="encode the picture again even if it is normal already")
    parser.add_argument("--faces", default="landmarks", help="faces.backend")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = args.recording
        if source is None:
            subprocess.run([sys.executable, "-m", "l2l", "demo-video", str(folder), "--only", "0"], check=True)
            source = folder / "demo_00.mp4"
        if args.repeat > 1:
            (folder / "looped").mkdir()
            source = looped(source, args.repeat, folder / "looped")
        seconds = probe(source).seconds
        print(f"{source.name}: {seconds:.0f} s, one core")
        print(f"{'step':12}{'seconds':>10}{'x real time':>14}{'CPU s':>10}{'peak MB':>10}")
        total, worked = 0.0, 0.0
        for step in steps(source, folder, args.encode, args.faces):
            found = l2l(step)
            total, worked = total + found.seconds, worked + found.cpu
            speed, costs = seconds / found.seconds, f"{found.cpu:>10.1f}{found.peak:>10.0f}"
            print(f"{step[0]:12}{found.seconds:>10.1f}{speed:>14.1f}{costs}", flush=True)
        print(f"{'all':12}{total:>10.1f}{seconds / total:>14.2f}{worked:>10.1f}")


if __name__ == "__main__":
    main()
