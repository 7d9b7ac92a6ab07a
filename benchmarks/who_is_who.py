"""Who is who, and who is no person: made-up recordings, and how often the tracker is right about them.

    python -m benchmarks.who_is_who --real clip.mp4 --minutes 10

- heads: grey heads, rendered into footage beside a person or between two; how many are taken for one of the two.
- faces: people in the dark, lit from one side, turned, with a beard; how many are refused.
- swaps: the demo's two people, who change sides at every cut; a third one sits there now and then. Of the windows of
  64 frames in which both are seen: the share with the right person on the left, and those with the third one.

`--real` is a clip with one person on the left and one on the right; it adds real footage to all three. The numbers in
`l2l.video.person_check` and `l2l.video.identity` were chosen on some of the same people, in other colours and scenes:
others may be told less well.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from l2l.config import TrackingSettings
from l2l.demo.puppet import HEIGHT, WIDTH, Puppet, photograph
from l2l.demo.rig import Pose, Rig
from l2l.raster import draw_shaded
from l2l.units import FPS
from l2l.video import mesh
from l2l.video.appearance import Appearance
from l2l.video.face_nets import FaceDetector, FaceMesh, region_around
from l2l.video.identity import who_is_who
from l2l.video.media import read_frames, video_writer
from l2l.video.person_check import person_score
from l2l.video.picture import Picture
from l2l.video.tracking import Tracker, track
from l2l.video.tracks import Seats, load_cast, load_tracks

GREYS = [(215, 215, 215), (175, 175, 175), (130, 130, 130), (95, 95, 95), (185, 185, 200), (235, 232, 224)]
HEADS = FACES = 20
CLIP, WINDOW = 45, 64  # frames

Change = Callable[[np.ndarray], np.ndarray]


def sway(random: np.random.Generator, frames: int, yaw: float = 0.0) -> list[Pose]:
    """Poses of a head that moves, talks, smiles and blinks."""
    t, phase = np.arange(frames) / FPS, random.uniform(0, 6.3, 5)
    return [
        Pose(
            pitch=4 * np.sin(1.1 * s + phase[0]),
            yaw=yaw + 6 * np.sin(0.7 * s + phase[1]),
            roll=3 * np.sin(0.5 * s + phase[2]),
            jaw=6 + 6 * np.sin(9 * s + phase[3]),
            smile=max(0.0, np.sin(0.6 * s + phase[4])),
            blink=float((s + phase[0]) % 3 < 0.1),
        )
        for s in t
    ]


def drawn(puppet: Puppet, pose: Pose) -> np.ndarray:
    """(360, 320, 3): a puppet in its half of the picture."""
    canvas = puppet.background.copy()
    puppet.draw(canvas, np.empty(canvas.shape[:2], np.float32), pose)
    return canvas


def people_of(clip: Path | None) -> dict[str, Puppet]:
    """The demo's two people, and the two of a clip."""
    found = {"demo left": Puppet(photograph(0)), "demo right": Puppet(photograph(1))}
    if clip:
        picture = next(itertools.islice(read_frames(clip), 60, None))
        detections = sorted(FaceDetector()(picture), key=lambda d: -np.ptp(d.box[::2]))[:2]
        for side, one in zip(("left", "right"), sorted(detections, key=lambda d: d.box[0]), strict=True):
            middle, size = (one.box[:2] + one.box[2:]) / 2, float(np.ptp(one.box[::2]))
            x0, y0 = np.maximum(0, middle - size).astype(int)
            x1, y1 = (middle + size).astype(int)
            found[f"clip {side}"] = Puppet(np.ascontiguousarray(picture[y0:y1, x0:x1]))
    return found


def heads(people: dict[str, Puppet], footage: list[np.ndarray], random: np.random.Generator) -> Iterator[tuple]:
    """(taken, score, taken without the check) of each clip with a grey head."""
    shapes = list(people.values())
    for number in range(HEADS):
        shape = shapes[number % len(shapes)].rig.vertices[: mesh.LANDMARKS]
        real = number % 2 and footage
        size = random.uniform(0.2, 0.38) * (540 if real else HEIGHT)
        rig = Rig((shape - shape.mean(0)) * size / np.ptp(shape[:, 0]))
        whole = len(rig.vertices) if number % 3 == 0 else mesh.LANDMARKS + 4 * len(mesh.FACE_OVAL)
        triangles = rig.triangles[(rig.triangles < whole).all(1)]
        if number % 4 < 2:
            triangles = np.concatenate([triangles, rig.eyes, rig.mouth])
        grey, panel = GREYS[number % len(GREYS)], int(random.integers(0, 120))
        poses, others = sway(random, CLIP), sway(random, CLIP)
        person = shapes[(number + 1) % len(shapes)]
        tracker, at = Tracker(TrackingSettings()), np.zeros(2)
        for frame, pose in enumerate(poses):
            if real:  # the head covers the person on the right
                canvas = footage[frame].copy()
                at = np.array([canvas.shape[1] * 0.72, canvas.shape[0] * 0.45])
                canvas[:, canvas.shape[1] // 2 :] = panel
            else:
                canvas = np.concatenate([drawn(person, others[frame]), np.full((HEIGHT, WIDTH, 3), panel, np.uint8)], 1)
                at = np.array([WIDTH * 1.5, HEIGHT * 0.5])
            vertices = rig.turn(rig.bend(pose), pose) + [*at, 0]
            draw_shaded(canvas, np.full(canvas.shape[:2], np.inf, np.float32), vertices, triangles, grey)
            tracker(Picture.of(coded(canvas, 60 + number)))
        tracker.finish()
        scene = tracker.finished[0]
        near = [c for c in scene.candidates if c.face.away(*at) < size]
        taken = []
        for scene.min_person in (TrackingSettings().min_person, 0.0):
            pairs = scene.pairs()
            taken.append(bool(pairs) and any(face is other for face in pairs[0] for other in near))
        yield taken[0], max((c.person for c in near if c.person is not None), default=None), taken[1]


def coded(picture: np.ndarray, quality: int) -> np.ndarray:
    """A picture as a camera's compression leaves it."""
    found = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    assert found is not None
    return found


def bearded(puppet: Puppet, picture: np.ndarray) -> np.ndarray:
    """A picture with stubble painted on the chin and cheeks of the face in it."""
    find = FaceMesh()
    face, _ = find(picture, region_around(puppet.rig.vertices[: mesh.LANDMARKS]))
    jaw = [i for i in range(mesh.LANDMARKS) if face[i, 1] > face[[*mesh.MOUTH_CORNERS], 1].mean() - 4]
    mask = np.zeros(picture.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(face[jaw, :2].astype(np.float32)).astype(np.int32), 1.0)
    lips = face[list(mesh.OUTER_LIPS), :2].astype(np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(lips).astype(np.int32), 0.0)
    hair = np.random.default_rng(0).uniform(0.3, 0.7, mask.shape).astype(np.float32)
    mask = cv2.GaussianBlur(mask, (0, 0), 1.5)[..., None]
    return np.clip(picture * (1 - mask) + mask * picture * hair[..., None] * [1.0, 0.9, 0.8], 0, 255).astype(np.uint8)


def lit(left: float, right: float) -> Change:
    def change(picture: np.ndarray) -> np.ndarray:
        light = np.linspace(left, right, picture.shape[1])[None, :, None]
        return np.clip(picture * light, 0, 255).astype(np.uint8)

    return change


def dark(share: float, noise: float) -> Change:
    def change(picture: np.ndarray) -> np.ndarray:
        noisy = picture * share + np.random.default_rng(0).normal(0, noise, picture.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    return change


def tinted(red: float, blue: float) -> Change:
    return lambda picture: np.clip(picture * [red, 1, blue], 0, 255).astype(np.uint8)


def smaller(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)


def faces(people: dict[str, Puppet], random: np.random.Generator) -> Iterator[tuple[str, float | None, bool]]:
    """(what, score, refused) of real faces under many conditions."""
    ways: list[tuple[str, float, Change | None]] = [
        ("dark", 0, dark(0.15, 4)), ("lit from one side", 0, lit(0.05, 1.5)), ("half profile", 38, lit(1, 1)),
        ("beard", 0, None), ("cold light", 0, tinted(0.9, 1.15)), ("warm light", -25, tinted(1.15, 0.75)),
        ("small", 15, smaller), ("pale", 0, lambda p: np.clip(p * 0.5 + 125, 0, 255).astype(np.uint8)),
        ("half profile, dark", -35, dark(0.25, 4)), ("lit from the other side", 10, lit(1.5, 0.05)),
    ]  # fmt: skip
    for number, (name, puppet) in zip(range(FACES), itertools.cycle(people.items()), strict=False):
        what, yaw, change = ways[(number // len(people) + number * 3) % len(ways)]
        seen, find = Appearance(), FaceMesh()
        for pose in sway(random, CLIP, yaw)[2::12]:
            picture = drawn(puppet, pose)
            picture = coded(bearded(puppet, picture) if change is None else change(picture), 75)
            expected = puppet.rig.turn(puppet.rig.bend(pose), pose)[: mesh.LANDMARKS] * picture.shape[0] / HEIGHT
            face, _ = find(picture, region_around(expected))
            seen.look(picture, face)
        score = person_score(seen)
        yield f"{name}: {what}", score, score is not None and score < TrackingSettings().min_person


def swapped(path: Path, people: list[Puppet], minutes: float, random: np.random.Generator) -> np.ndarray:
    """Write a recording whose first two people change sides at every cut; returns who sits where (T, 3), -1 nobody.

    A third person takes the place of one of them in every fifth scene, and is seen beside both in every ninth.
    """
    places: list[list[int]] = []
    with video_writer(path, 3 * WIDTH, HEIGHT) as write:
        for scene in itertools.count():
            if len(places) >= minutes * 60 * FPS:
                break
            seats = [0, 1] if scene % 2 == 0 else [1, 0]
            if len(people) > 2 and scene % 5 == 4:
                seats[int(random.integers(2))] = 2
            seats.insert(int(random.integers(3)), 2 if len(people) > 2 and scene % 9 == 7 and 2 not in seats else -1)
            frames = int(random.uniform(2.5, 9) * FPS)
            moves = [sway(random, frames, random.uniform(-14, 14)) for _ in seats]
            change = tinted(*random.uniform(0.9, 1.1, 2))
            gain, empty = random.uniform(0.6, 1.1), np.full((HEIGHT, WIDTH, 3), random.integers(30, 200, 3), np.uint8)
            for frame in range(frames):
                parts = [
                    empty if who < 0 else drawn(people[who], move[frame])
                    for who, move in zip(seats, moves, strict=True)
                ]
                write(np.ascontiguousarray(change((np.concatenate(parts, 1) * gain).astype(np.uint8))))
            places += [seats] * frames
    return np.array(places)


def windows(tracks_path: Path, places: np.ndarray) -> tuple[int, int, int, float]:
    """Windows in which both are seen, those with the right two, those with a third; share of good frames kept."""
    tracks = load_tracks(tracks_path)
    places = places[: len(tracks)]
    slot = np.clip(tracks.box[:, :, [0, 2]].mean(-1) * 3 // tracks.width, 0, 2).astype(int)  # (T, 2)
    who = np.take_along_axis(places, slot, 1)  # (T, 2) who is called left and right
    both = tracks.found.all(1)
    counts = [0, 0, 0]
    for start in range(0, len(tracks) - WINDOW + 1, WINDOW // 4):
        inside = slice(start, start + WINDOW)
        if both[inside].all() and np.ptp(tracks.segment[inside]) == 0:
            counts[0] += 1
            counts[1] += bool((who[inside] == [0, 1]).all())
            counts[2] += bool((who[inside] == 2).any())
    usable = (places == 0).any(1) & (places == 1).any(1)
    return counts[0], counts[1], counts[2], float((both & usable).sum() / usable.sum())


def real_swaps(clip: Path) -> tuple[int, int]:
    """(scenes in which left stays the same person, scenes) of a clip whose halves are exchanged every 1.3 s."""
    tracker, right, scenes = Tracker(TrackingSettings()), 0, 0
    for number, picture in enumerate(read_frames(clip)):
        if number % 2:
            continue
        scene = number // 40
        if number % 40 == 0:
            tracker.finish()
        middle = picture.shape[1] // 2
        parts = [picture[:, :middle], picture[:, middle : 2 * middle]]
        tracker(Picture.of(np.concatenate(parts[::-1] if scene % 2 else parts, 1)))
    tracker.finish()
    for scene, (_, seats) in enumerate(who_is_who(tracker.finished)):
        scenes += 1
        right += seats == (Seats.SWAPPED if scene % 2 else Seats.FIRST)
    return right, scenes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, help="a clip with two people, one in each half")
    parser.add_argument("--minutes", type=float, default=10, help="of the recording with swaps")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    random = np.random.default_rng(args.seed)
    people = people_of(args.real)
    footage = []
    if args.real:
        pictures = itertools.islice(read_frames(args.real), CLIP)
        footage = [cv2.resize(picture, (960, 540), interpolation=cv2.INTER_AREA) for picture in pictures]

    found = list(heads(people, footage, random))
    unchecked = sum(taken for *_, taken in found)
    scores = [score for _, score, _ in found if score is not None]
    print(f"grey heads taken for a person: {sum(taken for taken, *_ in found)} of {len(found)}, ", end="")
    print(f"without the check {unchecked}; highest score {max(scores, default=0):.2f}")
    looked = list(faces(people, random))
    lowest = sorted((score, what) for what, score, _ in looked if score is not None)
    print(f"faces refused: {sum(refused for *_, refused in looked)} of {len(looked)}, lowest scores", end=" ")
    print(", ".join(f"{score:.2f} ({what})" for score, what in lowest[:3]))
    if args.real:
        print("real clip, halves exchanged: {} of {} scenes right".format(*real_swaps(args.real)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "swaps.mp4"
        places = swapped(path, list(people.values())[:3], args.minutes, random)
        start = time.process_time()
        track(path, path.with_suffix(".npz"), TrackingSettings())
        cost = time.process_time() - start
        all_, right, third, kept = windows(path.with_suffix(".npz"), places)
        cast = load_cast(path.with_suffix(".npz"))
        assert cast is not None
        print(f"swaps: {right} of {all_} windows with the right listener, {third} with a third person, ", end="")
        print(f"{kept:.1%} of the frames with both kept, tracked at {len(places) / FPS / cost:.1f} times real time")
        print("scenes:", {seat.name.lower(): int((cast.seats == seat).sum()) for seat in Seats})


if __name__ == "__main__":
    main()
