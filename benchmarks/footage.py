"""Footage as people record and edit it: are ends of scenes, late sound and speakers found, and is nothing made up?

    python -m benchmarks.footage real.mp4 data/raw/demo results/demo/videos work/footage
    python -m benchmarks.footage real.mp4 data/raw/demo results/demo/videos work/footage --what shifted reliability

`real.mp4` is a clip of two people in two panels (see `edits.real_clip`), the rest is the demo. All cases are made here;
ten minutes for all. `shifted`, `reliability` and `lapel` are explained in benchmarks/heard.py.

Edits, for `scenes`, are made of both, with a cut, a mirrored, a nearer and a later view, cross-fades and a fade in
each, and with flashes, captions, insets and changes of light that end nothing.

- found: share of the ends of scenes at which one is found, within two frames. "later" is a jump within one view, often
  a small one.
- right: share of the found ones that are none of flash, caption, inset, light or movement.
- mixed: share of the pictures of cross-fades with 10 to 90 % of the other shot that still belong to a scene.
- lost: share of all other pictures that belong to none.

PySceneDetect's detectors are measured too where that package is installed.
"""

import argparse
import importlib
import importlib.util
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import heard
from benchmarks.edits import KINDS, TRICKS, Edit, demo_clip, real_clip, write_edit
from l2l.config import TrackingSettings
from l2l.video.picture import read_pictures
from l2l.video.scenes import scenes

QUESTIONS = ("scenes", "shifted", "reliability", "lapel")
_NEAR = 2  # frames
_SEEN = 0.1  # share of the other shot
_OTHERS = ("AdaptiveDetector", "ContentDetector", "HashDetector", "HistogramDetector", "ThresholdDetector")

# (first frame that is not the old scene's, first of the new one) of each end of a scene, and which frames are in one.
Found = tuple[list[tuple[int, int]], list[bool]]
Finder = Callable[[Edit], Found]


def ours(edit: Edit) -> Found:
    """What l2l finds."""
    numbers = [number for _, number in scenes(read_pictures(edit.path), TrackingSettings().scene_cut)]
    ends, last, start = [], numbers[0], 0
    for frame, number in enumerate(numbers):
        if number is None:
            continue
        if last is not None and number != last:
            ends.append((start, frame))
        last, start = number, frame + 1
    return ends, [number is not None for number in numbers]


def pyscenedetect(detector: str) -> Finder:
    """The same of one of PySceneDetect's detectors, none of which knows of pictures between scenes."""

    def find(edit: Edit) -> Found:
        package = importlib.import_module("scenedetect")
        listed = package.detect(str(edit.path), getattr(package, detector)(min_scene_len=5))
        return [(begin.get_frames(), begin.get_frames()) for begin, _ in listed[1:]], [True] * edit.frames

    return find


class Score:
    """Counts over edits."""

    def __init__(self) -> None:
        self.there: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.ends = self.right = self.mixed = self.mixtures = self.lost = self.others = self.frames = 0

    def add(self, edit: Edit, ends: list[tuple[int, int]], inside: list[bool]) -> None:
        right: set[tuple[int, int]] = set()
        mixtures, fading = set(), set()
        for kind, first, new in edit.transitions:
            hits = [end for end in ends if end[0] <= new + _NEAR and end[1] >= first - _NEAR]
            self.there[kind] += 1
            self.found[kind] += bool(hits)
            right.update(hits)
            fading.update(range(first - 1, new + 1))
            if kind.startswith("cross-fade"):
                shares = {frame: (frame - first + 1) / (new - first + 1) for frame in range(first, new)}
                mixtures |= {frame for frame, share in shares.items() if _SEEN < share < 1 - _SEEN}
        self.frames += edit.frames
        self.ends += len(ends)
        self.right += len(right)
        self.mixtures += len(mixtures)
        self.mixed += sum(inside[frame] for frame in mixtures)
        self.others += edit.frames - len(fading)
        self.lost += sum(not there for frame, there in enumerate(inside) if frame not in fading)

    def row(self, name: str, seconds: float) -> str:
        """A line of the table."""
        kinds = " ".join(f"{self.found[kind] / self.there[kind]:>{len(kind)}.2f}" for kind in KINDS)
        recall = sum(self.found.values()) / sum(self.there.values())
        rest = f"{recall:5.2f} {self.right / max(1, self.ends):5.2f} {self.mixed / max(1, self.mixtures):5.2f}"
        milliseconds = 1000 * seconds / max(1, self.frames)
        return f"{name:17} {kinds} | {rest} {self.lost / max(1, self.others):6.3f} {milliseconds:8.2f}"


def table(edits: Sequence[Edit], finders: dict[str, Finder]) -> None:
    """Print a line for each finder."""
    print(f"{'':17} {' '.join(KINDS)} | found right mixed   lost ms/frame")
    for name, finder in finders.items():
        score, begin = Score(), time.process_time()
        for edit in edits:
            score.add(edit, *finder(edit))
        print(score.row(name, time.process_time() - begin), flush=True)


def ends_of_scenes(real: Path, demo: Path, out: Path, count: int, seed: int) -> None:
    """Make the edits and print the table."""
    clip = real_clip(real)
    recordings = sorted(demo.glob("demo_*.mp4"))[:2]
    clips = [clip, clip, *(demo_clip(path, 300 * k, 240) for k, path in enumerate(recordings))]
    edits = [
        # Clean and coded coarsely in turn, every third with the grain of a camera.
        write_edit(out / f"edit_{k:02d}.mp4", clips, seed + k, (0, 0, 3)[k % 3], (18, 28, 23)[k % 3])
        for k in range(count)
    ]
    frames, ends = sum(edit.frames for edit in edits), sum(len(edit.transitions) for edit in edits)
    print(f"{len(edits)} edits, {frames} frames, {ends} ends of scenes; {len(TRICKS)} in each that look like one")
    others = _OTHERS if importlib.util.find_spec("scenedetect") else ()
    table(edits, {"l2l": ours} | {name: pyscenedetect(name) for name in others})


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path, help="a clip with two panels")
    parser.add_argument("demo", type=Path, help="data/raw/demo")
    parser.add_argument("videos", type=Path, help="results/demo/videos")
    parser.add_argument("out", type=Path)
    parser.add_argument("--what", nargs="+", choices=QUESTIONS, default=QUESTIONS)
    parser.add_argument("--edits", type=int, default=12)
    parser.add_argument("--seed", type=int, default=100, help="of the edits")
    arguments = parser.parse_args()
    if "scenes" in arguments.what:
        ends_of_scenes(arguments.real, arguments.demo, arguments.out, arguments.edits, arguments.seed)
    if "shifted" in arguments.what:
        heard.shifted(arguments.demo, arguments.videos)
    if "reliability" in arguments.what:
        heard.reliability(arguments.demo, arguments.videos)
    if "lapel" in arguments.what:
        heard.lapel(arguments.demo, arguments.videos, arguments.out)


if __name__ == "__main__":
    main()
