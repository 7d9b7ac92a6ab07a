"""Small files that would cost much: what does each step that reads media take for them?

    python -m benchmarks.bombs work/bombs

Each file has at most 1 MB. `check` and `normalise` get it as it is; `track` gets it in the place of
video.mp4, as in results that somebody else sends. Prints a row for each: status, seconds, CPU seconds, MB, sentence.
"""

import argparse
import struct
import sys
from pathlib import Path

from benchmarks.cost import cost
from benchmarks.made_footage import ffmpeg

_MOST = 2000  # MB


def make(folder: Path) -> list[Path]:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)

    def lavfi(name: str, picture: str, sound: str, *options: str) -> Path:
        inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
        ffmpeg(*inputs, "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-shortest", *options, str(folder / name))
        return folder / name

    small = lavfi("small.mkv", "testsrc2=size=320x240:rate=30:duration=3", "sine=duration=3")
    files = []
    for name, stream, change in (
        ("jump.mkv", "v", "if(gt(N,60),TS+36000/TB,TS)"),
        ("silence.mkv", "a", "if(gt(N,60),TS+36000/TB,TS)"),
        ("fast.mkv", "v", "TS/3333"),
    ):
        ffmpeg("-i", str(small), "-c", "copy", f"-bsf:{stream}", f"setts=ts='{change}'", str(folder / name))
        files.append(folder / name)
    files.append(lavfi("8k.mp4", "color=black:size=7680x4320:rate=30:duration=4", "sine=duration=4"))
    quiet = "anullsrc=sample_rate={}:channel_layout={}:duration={}"
    long = "color=black:size=64x64:rate=1:duration=1800"
    files.append(lavfi("black.mp4", long, quiet.format(8000, "mono", 1800), "-b:a", "1k"))
    still = "color=black:size=320x240:rate=1:duration=120"
    files.append(lavfi("channels.mkv", still, quiet.format(192000, "7.1", 120), "-c:a", "flac"))
    files.append(_growing(folder, small))
    files += [_many_samples(folder, count) for count in (10**8, 4 * 10**8)]
    return files


def _growing(folder: Path, small: Path) -> Path:
    """Pictures that become 15360 x 8640 after a second; the head says 320 x 240."""
    parts = [folder / "a.h264", folder / "b.h264"]
    ffmpeg("-i", str(small), "-an", "-c:v", "copy", "-bsf:v", "h264_mp4toannexb", str(parts[0]))
    large = "color=black:size=15360x8640:rate=30:duration=0.3"
    ffmpeg("-f", "lavfi", "-i", large, "-pix_fmt", "yuv420p", "-preset", "ultrafast", str(parts[1]))
    joined = folder / "c.h264"
    joined.write_bytes(parts[0].read_bytes() + parts[1].read_bytes())
    out = folder / "growing.mkv"
    ffmpeg("-r", "30", "-i", str(joined), "-i", str(small), "-map", "0:v", "-map", "1:a", "-c", "copy", str(out))
    for part in (*parts, joined):
        part.unlink()
    return out


def _many_samples(folder: Path, count: int) -> Path:
    """An mp4 whose sound claims so many samples of one byte."""
    source = folder / "plain.mp4"
    ffmpeg("-i", str(folder / "small.mkv"), "-c", "copy", str(source))
    data = bytearray(source.read_bytes())
    claims = {
        b"stts": struct.pack(">IIII", 0, 1, count, 1),
        b"stsc": struct.pack(">IIIII", 0, 1, 1, count, 1),
        b"stsz": struct.pack(">III", 0, 1, count),
    }
    start = data.index(b"soun")
    for name, body in claims.items():
        place = data.index(name, start) - 4
        size = struct.unpack(">I", data[place : place + 4])[0]
        box = struct.pack(">I4s", 8 + len(body), name) + body
        rest = size - len(box)
        free = struct.pack(">I4s", rest, b"free") + bytes(rest - 8) if rest else b""
        data[place : place + size] = box + free
    out = folder / f"samples_{count}.mp4"
    out.write_bytes(data)
    source.unlink()
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=float, default=600, help="seconds for a step")
    args = parser.parse_args()
    print("| file | kB | step | status | s | CPU s | MB | last words |\n|---|---|---|---|---|---|---|---|", flush=True)
    bad = 0
    for path in make(args.out):
        folder = args.out / path.stem
        folder.mkdir(exist_ok=True)
        copy = folder / "video.mp4"
        wav = ["-f", "lavfi", "-i", "anoisesrc=sample_rate=16000:duration=3", "-c:a", "pcm_s16le"]
        ffmpeg(*wav, str(folder / "audio.wav"))
        copy.write_bytes(path.read_bytes())
        steps = {
            "check": ["check", str(path), "--out", str(folder / "check.html")],
            "normalise": ["normalise", str(path), "--out", str(folder / "normal")],
            "track": ["track", str(folder)],
            "track, normalised": ["track", str(folder / "normal")],
        }
        if not path.name.startswith(("black", "channels")):
            del steps["track, normalised"]
        for step, words in steps.items():
            found = cost([sys.executable, "-m", "l2l", *words], limit=args.limit)
            size = path.stat().st_size // 1000
            status = "late" if found.status is None else "traceback" if "Traceback" in found.said else str(found.status)
            said = found.last_words.replace(f"{args.out}/", "").replace("|", "/")[:200]
            wrong = status in ("late", "traceback") or found.peak > _MOST or size > 1000
            bad += wrong
            numbers = f"{found.seconds:.0f} | {found.cpu:.0f} | {found.peak:.0f}"
            print(f"| {path.name} | {size} | {step} | {status} | {numbers} | {said} |", flush=True)
    return bad


if __name__ == "__main__":
    sys.exit(main())
