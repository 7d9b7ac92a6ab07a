"""What people really record, made out of a real clip and the demo: what is said of it, and is that right?

    python -m benchmarks.real_footage --clip clip.mp4 --demo data/raw/demo > table.md
    python -m benchmarks.real_footage --clip clip.mp4 --demo data/raw/demo --only names swapped

`--clip` has a person in each of two panels (see `edits.real_clip`). Each case is a file of a user, which goes through
the steps as far as is needed. A row is right where the recording is used as it should be, or left out with a sentence
that says what to do; a program decides that. What happened before is told as it was when the cases were first tried.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from benchmarks import made_footage as made
from benchmarks.cost import cost
from benchmarks.made_footage import Footage, beside
from l2l.config import Settings
from l2l.errors import UserError
from l2l.recordings.recordings import Recording, in_folder
from l2l.recordings.repeated import with_repeats
from l2l.recordings.steps import Work, run
from l2l.speech.speaking import SPEAKS, load_speaking
from l2l.units import FPS
from l2l.video.footage import REPORT, said
from l2l.video.tracks import Seats, Tracks, load_cast, load_tracks, runs


class Answer(NamedTuple):
    """What the program gave, and whether that is right."""

    says: str
    right: bool


class Used(NamedTuple):
    """A recording after some steps."""

    row: Recording
    folder: Path

    @property
    def tracks(self) -> Tracks:
        return load_tracks(self.folder / "tracks.npz")

    @property
    def seats(self) -> list[Seats]:
        cast = load_cast(self.folder / "tracks.npz")
        return [] if cast is None else [Seats(seat) for seat in cast.seats]

    @property
    def says(self) -> str:
        """What the table says."""
        return "; ".join(filter(None, [self.row.status, self.row.reason.rstrip("."), self.row.warnings]))


def used(path: Path, *steps: str) -> Used:
    """The recording after `normalise`, `track` and other steps."""
    row, folder = Recording(path.stem, str(path)), path.parent / "made" / path.stem
    for step in ("normalise", "track", *steps):
        row = run(step, [Work(row, folder, Settings())])[0]
    return Used(row, folder)


def seen_on(tracks: Tracks, side: int) -> np.ndarray:
    """(T,) where the person called left (0) or right (1) is: -1 nowhere, else in the left or right half."""
    middle = tracks.box[:, side, [0, 2]].mean(1) > tracks.width / 2
    return np.where(tracks.found[:, side], middle, -1)


def rendered_head(colour: tuple[int, int, int], footage: Footage, out: Path) -> Answer:
    pictures = beside(footage.left, made.head(footage, colour, 90), 0, 90)
    found = used(made.write(out / "head.mp4", pictures))
    return Answer(found.says, found.row.status == "excluded" and "rendering or a statue" in found.row.warnings)


def two_heads(footage: Footage, out: Path) -> Answer:
    heads = [made.head(footage, colour, 90, seed) for seed, colour in enumerate([(175, 175, 175), (215, 215, 215)])]
    pictures = [np.hstack([footage.left[k], heads[0][k], heads[1][k]]) for k in range(90)]
    found = used(made.write(out / "heads.mp4", pictures))
    return Answer(found.says, found.row.status == "excluded" and "rendering or a statue" in found.row.warnings)


def black_and_white(footage: Footage, out: Path) -> Answer:
    pictures = beside(footage.left, made.grey(footage.right), 0, 120)
    found = used(made.write(out / "grey.mp4", pictures))
    return Answer(f"{found.says}, both seen in {found.row.tracked:.0%}", (found.row.tracked or 0) > 0.95)


def cross_fade(footage: Footage, out: Path) -> Answer:
    shots = beside(footage.left, footage.right, 0, 120), beside(footage.demo_left, footage.demo_right, 0, 120)
    found = used(made.write(out / "fade.mp4", list(made.cross_fade(*shots, 30))))
    scenes = runs(found.tracks.segment)
    between = found.tracks.found[95:115].any()
    right = len(scenes) == 3 and not between and abs(scenes[1][0] - 90) <= 5 and abs(scenes[1][1] - 120) <= 5
    where = ", ".join(f"{first} to {last - 1}" for first, last in scenes)
    return Answer(f"frames of scenes (and of the fade between, from 90 to 119): {where}; {found.says}", right)


def like_shots(footage: Footage, out: Path) -> Answer:
    pictures = beside(footage.left, footage.right, 0, 120)
    pictures += beside(footage.left, footage.demo_right, 120, 60) + beside(footage.left, footage.demo_left, 180, 60)
    found = used(made.write(out / "alike.mp4", pictures))
    scenes = runs(found.tracks.segment)
    third = found.tracks.found[122:, 1].mean()
    right = found.tracks.found[:118].all() and not third and "left out" in found.row.warnings
    where = ", ".join(f"{first} to {last - 1}" for first, last in scenes)
    return Answer(f"scenes {where}; the others called right in {third:.0%} of their frames; {found.says}", bool(right))


def wide_pixels(footage: Footage, out: Path) -> Answer:
    stretched = used(made.dv(footage.clip, out / "dv.mp4"))
    plain = used(made.square(footage.clip, out / "square.mp4"))
    shapes = []
    for found in (stretched, plain):
        box = found.tracks.box[found.tracks.found.all(1)]
        shapes.append(float(np.median((box[..., 2] - box[..., 0]) / (box[..., 3] - box[..., 1]))))
    words = f"{stretched.tracks.width} x {stretched.tracks.height}; faces {shapes[0]:.3f} times as wide as high"
    return Answer(
        f"{words}, from square pixels {shapes[1]:.3f}; {stretched.says}", abs(shapes[0] / shapes[1] - 1) < 0.02
    )


def swapped(footage: Footage, out: Path) -> Answer:
    pictures = beside(footage.left, footage.right, 0, 90) + beside(footage.right, footage.left, 90, 90)
    found = used(made.write(out / "swapped.mp4", pictures))
    where = seen_on(found.tracks, 0)
    share = float((where[:88] == 0).mean()), float((where[92:] == 1).mean())
    words = f"left is the same person in {share[0]:.0%} and {share[1]:.0%} of the frames before and after"
    return Answer(f"{words}; {found.says}", min(share) > 0.95 and "change sides" in found.row.warnings)


def somebody_else(cut: bool, footage: Footage, out: Path) -> Answer:
    pictures = beside(footage.left, footage.right, 0, 120)
    if not cut:
        pictures += made.walks(footage.left, footage.right, 120, 30, False)
        pictures += made.walks(footage.left, footage.demo_right, 150, 30, True)
    pictures += beside(footage.left, footage.demo_right, len(pictures), 90)
    found = used(made.write(out / "else.mp4", pictures))
    third = float(found.tracks.found[len(pictures) - 85 :, 1].mean())
    words = f"the other person is called right in {third:.0%} of their frames"
    return Answer(f"{words}; {found.says}", bool(third == 0 and found.tracks.found[:115].all()))


def sound_ends(footage: Footage, out: Path) -> Answer:
    found = used(made.copied(footage.clip, out / "as it is.mp4"))
    return Answer(found.says, "its sound ends" in found.row.warnings)


def sound_late(footage: Footage, out: Path) -> Answer:
    found = used(made.late(footage.demo / "demo_03.mp4", out / "late.mp4", 0.5))
    moved = said(found.folder / REPORT)["moved"]
    return Answer(f"moved by {moved} frames; {found.says}", abs(moved - 15) <= 1)


def one_face(footage: Footage, out: Path) -> Answer:
    source = footage.demo / "demo_01.mp4"
    with np.load(source.with_suffix(".truth.npz")) as truth:
        speaking = truth["speaking"]
    found = used(made.close_up(source, out / "close.mp4", 12, 28), "diarize")
    probability = load_speaking(found.folder / "speaking.npz")
    inside = slice(12 * FPS + 5, 28 * FPS - 5)
    seen, named = found.tracks.found[inside], probability[inside] >= SPEAKS
    gone = int((named & ~seen).sum())
    own = named[:, 0]
    words = f"in the close-up, who is not seen is named in {gone} frames, who is seen in {own.mean():.0%}"
    if not own.any():
        return Answer(words, gone == 0)
    true = float(speaking[inside][:, 0][own].mean())
    return Answer(f"{words}, rightly in {true:.0%} of these", gone == 0 and true > 0.9)


def latin_1(footage: Footage, out: Path) -> Answer:
    tags = [b"-metadata", b"title=Gespr\xe4ch \xff", b"-metadata:s:v:0", b"title=Gespr\xe4ch"]
    found = used(made.copied(footage.clip, out / "title.mkv", *tags))
    return Answer(found.says, found.row.status == "ok")


def names(footage: Footage, out: Path) -> Answer:
    words, right = [], True
    for name, fine in (
        ("-name.mp4", True),
        ("Zoë & Ünal's #1.mp4", True),
        ("{name}.mp4", False),
        ("caf\udce9.mp4", False),
    ):
        folder = out / f"case{len(words)}"
        made.copied(footage.demo / "demo_03.mp4", folder / "a.mp4", "-t", "2")
        os.rename(folder / "a.mp4", folder / name)
        try:
            row = in_folder(folder)[0]
            answer = used(Path(row.path)).row.status
        except UserError as error:
            answer = str(error).removeprefix(f"{folder}/")
        words.append(f"`{ascii(name)[1:-1]}`: {answer}")
        right &= (answer == "ok") if fine else "rename it" in answer
    plan = out / "plan"
    folder = plan / "data/raw/Zoë"
    for number in range(3):
        made.copied(footage.demo / "demo_03.mp4", folder / f"{number}.mp4", "-t", "2")
    (plan / "config.yaml").write_text("people:\n  Zoë: {listener: left}\n", encoding="utf-8")
    snakefile = Path(__file__).parents[1] / "workflow/Snakefile"
    command = ["-m", "snakemake", "-s", snakefile, "-d", plan, "--configfile", plan / "config.yaml", "-n", "-q"]
    done = subprocess.run(
        [sys.executable, *map(str, command), "--", "results/Zoë/eval.json"], capture_output=True, text=True
    )
    last = (done.stdout + done.stderr).strip().splitlines()[-1:]
    words.append(f"person `Zoë`: {'planned' if not done.returncode else last}")
    return Answer("; ".join(words), right and not done.returncode)


def repeated(footage: Footage, out: Path) -> Answer:
    sources = [footage.demo / f"demo_{number:02d}.mp4" for number in (0, 1)]
    paths = [made.copied(source, out / source.name) for source in sources]
    paths.append(made.part(sources[0], out / "again.mp4", 7.4))
    rows = []
    for path in paths:
        work = Work(
            Recording(path.stem, str(path), split="test" if path.stem == "again" else "train"),
            out / path.stem,
            Settings(),
        )
        row = run("normalise", [work])[0]
        rows.append(replace(row, seconds=soundfile.info(out / path.stem / "audio.wav").duration))
    warned = {row.name: row.warnings for row in with_repeats(rows, out)}
    words = "; ".join(f"{name}: {text or 'ok'}" for name, text in warned.items())
    return Answer(words, "again" in warned["demo_00"] and "demo_00" in warned["again"] and not warned["demo_01"])


def hostile(change: str, footage: Footage, out: Path) -> Answer:
    short = made.copied(footage.demo / "demo_03.mp4", out / "short.mkv", "-t", "4")
    path = made.copied(short, out / "hostile.mkv", "-bsf:v", change)
    found = cost([sys.executable, "-m", "l2l", "normalise", str(path), "--out", str(out / "made")])
    sentence = found.last_words.removeprefix(f"l2l normalise: {path}: ")
    size = path.stat().st_size // 1000
    said = f"{sentence} ({size} kB cost {found.seconds:.0f} s and {found.peak:.0f} MB)"
    return Answer(said, found.status == 1 and found.peak < 2000 and found.seconds < 60)


def busy_cores(footage: Footage, out: Path) -> Answer:
    chunks = footage.demo.parents[1] / footage.demo.name
    if not (chunks / "train").is_dir():
        return Answer(f"not tried: make the demo first, so that {chunks} is there", False)
    command = [sys.executable, "-m", "benchmarks.threads", str(chunks), "--pairs", "2", "--steps", "20"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = [[float(word) for word in line.replace(",", " ").split() if "." in word] for line in lines]
    one, two = (sum(pair[k] for pair in pairs) for k in range(2))
    return Answer("; ".join(lines), two < 1.1 * one)


class Case(NamedTuple):
    """A row of the table: its name, what it is, what happened before, and how it is made and judged."""

    name: str
    what: str
    before: str
    judge: Callable[[Footage, Path], Answer]


_JUMP, _FAST = "setts=ts='if(gt(N,60),TS+36000/TB,TS)'", "setts=ts=TS/100"
CASES = [
    Case("grey", "a grey rendered head beside a person", "taken for a person", partial(rendered_head, (190, 190, 190))),
    Case("skin", "the same in a colour of skin", "the same", partial(rendered_head, (224, 172, 140))),
    Case("heads", "two grey heads and a real person", "both tracked “people” are grey heads", two_heads),
    Case("monochrome", "a black-and-white camera beside one in colour", "refused as a statue", black_and_white),
    Case("fade", "a cross-fade of a second to another room", "missed: one scene, one “p1”", cross_fade),
    Case("alike", "cuts between like shots: one person is another", "missed: three persons become one", like_shots),
    Case("pixels", "pixels that are not square (720x576, 64:45: DV)", "taken over: stretched faces, “ok”", wide_pixels),
    Case("swapped", "two people change sides at a cut", "“right” is somebody else; no warning", swapped),
    Case("else", "another person sits there after a cut", "the same", partial(somebody_else, True)),
    Case("place", "another person takes the seat, without a cut", "the same", partial(somebody_else, False)),
    Case("ends", "sound ends 1.5 s before the picture", "“ok”, no warning", sound_ends),
    Case("late", "sound is half a second late", "“ok”, no warning", sound_late),
    Case("alone", "one face only in a scene", "a speaker is named confidently (51/49, 25/75)", one_face),
    Case("latin", "a title in Latin-1 in the container", "traceback in normalise", latin_1),
    Case("names", "names of files and people", "fails late, or with a raw error of Snakemake", names),
    Case("repeated", "the same material in two recordings", "nobody notices", repeated),
    Case("jump", "a small file with a jump of 10 hours", "7.4 GB, minutes", partial(hostile, _JUMP)),
    Case("rate", "a small file of 3,000 frames per second", "the same", partial(hostile, _FAST)),
    Case("threads", "two threads train while two processes spin", "57 steps in 8 minutes, not 9 s", busy_cores),
]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, required=True, help="a clip with a person in each of two panels")
    parser.add_argument("--demo", type=Path, required=True, help="data/raw/demo")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], help="names of cases")
    args = parser.parse_args()
    footage = Footage.of(args.clip, args.demo)
    print("| case | before | now | right |\n|---|---|---|---|", flush=True)
    wrong = 0
    for name, what, before, judge in CASES:
        if args.only and name not in args.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            answer = judge(footage, Path(folder))
            says = answer.says.replace(f"{folder}/", "").replace("|", "/").replace("\n", " ")
        print(f"| {what} | {before} | {says} | {'yes' if answer.right else 'no'} |", flush=True)
        wrong += not answer.right
    return wrong


if __name__ == "__main__":
    sys.exit(main())
