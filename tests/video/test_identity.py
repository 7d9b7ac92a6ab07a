"""Who is who, and who is no person, told by faces."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from l2l.demo.puppet import Puppet, photograph
from l2l.demo.rig import Pose
from l2l.raster import draw_shaded
from l2l.video.appearance import Appearance, likeness
from l2l.video.candidates import Candidate, Face, Pair, Scene
from l2l.video.identity import cast_arrays, who_is_who
from l2l.video.mesh import LANDMARKS
from l2l.video.person_check import person_score
from l2l.video.tracks import Seats
from l2l.video.unfolding import layout, unfold

POSES = (Pose(yaw=6), Pose(pitch=5, jaw=8), Pose(yaw=-9, smile=0.6))


@cache
def puppet(person: int) -> Puppet:
    return Puppet(photograph(person))


def picture(person: int, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """One of the demo's people, and their landmarks (468, 3)."""
    rig, canvas = puppet(person).rig, puppet(person).background.copy()
    puppet(person).draw(canvas, np.empty(canvas.shape[:2], np.float32), pose)
    return canvas, rig.turn(rig.bend(pose), pose)[:LANDMARKS]


@cache
def look(person: int, yaw: float = 0.0, light: float = 1.0) -> Appearance:
    found = Appearance()
    for pose in POSES:
        canvas, face = picture(person, pose._replace(yaw=pose.yaw + yaw))
        found.look((canvas * np.linspace(light, 2 - light, canvas.shape[1])[:, None] / 2).astype(np.uint8), face)
    return found


@cache
def stranger() -> Appearance:
    """A face that is neither of the two: its patterns lie elsewhere."""
    found = look(0)
    other = Appearance()
    other.looks, other._seen, other._weight = found.looks, found._seen, found._weight
    other._pattern = np.roll(found._pattern, 3, 0)
    return other


def candidate(number: int, face: Appearance, x: float, frames: int = 60) -> Candidate:
    landmarks = np.zeros((LANDMARKS, 3))
    found = Candidate(number, Face(landmarks), 0, frames, 100.0 * frames, x * frames, frames, appearance=face)
    return found


def scene(*faces: Appearance, frames: int = 60) -> Scene:
    """Faces from left to right, all seen together."""
    found = Scene(0, frames=frames)
    found.candidates = [candidate(n, face, 100.0 * n, frames) for n, face in enumerate(faces)]
    for one in found.candidates:
        one.seen_with.update({n: frames for n in range(len(faces))})
    return found


def left_of(cast: tuple[Pair | None, Seats]) -> Appearance | None:
    return cast[0][0].appearance if cast[0] else None


def test_a_face_is_more_like_itself_than_like_another_in_any_pose_and_light():
    views = [
        [look(person, yaw, light).pattern for yaw, light in ((0, 1.0), (25, 0.5), (-25, 1.5))] for person in (0, 1)
    ]
    same = [likeness(one, two) for person in views for one in person for two in person]
    different = [likeness(one, two) for one in views[0] for two in views[1]]
    assert min(same) > max(different) + 0.05
    assert likeness(views[0][0], views[0][0]) == pytest.approx(1)


def test_an_unfolded_face_is_seen_where_it_faces_the_camera_and_inside_the_picture():
    canvas, face = picture(0, Pose(yaw=40))
    _, seen = unfold(canvas, face)
    assert seen[24:40, 8:16].mean() < 0.6 * seen[24:40, 48:56].mean()
    _, seen = unfold(canvas, face - [face[:, 0].mean(), 0, 0])
    assert not seen[:, :24].any() and seen[:, 40:].any()


def test_a_face_that_is_flat_already_is_copied_when_it_is_unfolded():
    photo = np.random.default_rng(0).integers(0, 256, (90, 100, 3), np.uint8)
    colours, seen = unfold(photo, np.pad(layout() + [20, 10], ((0, 0), (0, 1))))
    skin = seen > 0
    assert 0.6 < skin.mean() < 0.8
    assert (colours[skin] == photo[10:74, 20:84][skin]).all() and not colours[~skin].any()


def test_left_stays_the_person_who_sat_there_first():
    scenes = [
        scene(look(1), look(0)),
        scene(look(0, 9), look(1, -9)),
        scene(look(0), look(1)),
        scene(look(1), look(0, 20)),
    ]
    casts = who_is_who(scenes)
    assert [seats for _, seats in casts] == [Seats.FIRST, Seats.SWAPPED, Seats.SWAPPED, Seats.FIRST]
    assert [left_of(cast) for cast in casts] == [look(1), look(1, -9), look(1), look(1)]
    by_side = who_is_who(scenes, by_side=True)
    assert [left_of(cast) for cast in by_side] == [look(1), look(0, 9), look(0), look(1)]


def test_a_third_person_is_never_one_of_the_two():
    scenes = [
        scene(look(0), stranger(), frames=30),  # who comes first need not be one of the two
        scene(look(0), look(1), frames=150),
        scene(look(0)),
        scene(stranger(), look(1, 5)),
        scene(stranger(), look(1), look(0)),
    ]
    casts = who_is_who(scenes)
    expected = [Seats.SOMEBODY_ELSE, Seats.FIRST, Seats.NOBODY, Seats.SOMEBODY_ELSE, Seats.SWAPPED]
    assert [seats for _, seats in casts] == expected
    assert [left_of(cast) for cast in casts] == [None, look(0), None, None, look(0)]
    found = cast_arrays(scenes, casts)
    assert found["seats"].tolist() == expected and found["pattern"].shape == (2, 8, 8, 9)
    assert likeness(found["pattern"][0], look(0).pattern) > 0.99


@pytest.mark.parametrize("other", [True, False])
def test_who_takes_a_place_without_a_cut_is_nobody_of_the_two(other):
    found = scene(look(0), look(1))
    later = candidate(2, stranger() if other else look(1, 9), 100.0)
    later.seen_with.update({0: 40})  # never together with the second one
    found.candidates.append(later)
    pair = found.pairs()[0]
    assert found.numbers(pair) == [{0}, {1} if other else {1, 2}]
    assert found.strangers(pair) == ([later] if other else [])
    assert (cast_arrays([found], [(pair, Seats.FIRST)])["strangers"] > 0) == other


def test_two_who_look_alike_are_not_told_apart():
    casts = who_is_who([scene(look(0), look(0)), scene(look(0), look(0))])
    assert casts == [(None, Seats.UNCERTAIN)] * 2
    assert who_is_who([scene(look(0), look(0))])[0][1] == Seats.FIRST  # one scene needs no telling


def test_people_in_any_light_are_people():
    assert min(filter(None, (person_score(look(person, 0, light)) for person in (0, 1) for light in (0.3, 1)))) > 0.8


def grey(canvas: np.ndarray) -> np.ndarray:
    return np.repeat(canvas.mean(2, keepdims=True), 3, 2).astype(np.uint8)


def rendered(colour: tuple[int, int, int], seen_as: Callable[[np.ndarray], np.ndarray] = np.asarray) -> Appearance:
    """A head of one material in a picture of a person."""
    found = Appearance()
    for pose in POSES:
        canvas, face = picture(1, pose)
        rig = puppet(1).rig
        vertices = rig.turn(rig.bend(pose), pose)
        draw_shaded(canvas, np.full(canvas.shape[:2], np.inf, np.float32), vertices, rig.triangles, colour)
        found.look(seen_as(canvas), face)
    return found


@pytest.mark.parametrize("colour", [(200, 200, 200), (110, 110, 110), (185, 185, 200), (224, 172, 140), (92, 57, 40)])
def test_a_head_of_one_material_is_no_person_and_is_left_out(colour):
    seen = rendered(colour)
    assert person_score(seen) < 0.1
    beside = scene(look(0), seen)
    assert beside.pairs() == [] and [face.appearance for face in beside.refused()] == [seen]
    beside.min_person = 0.0
    assert beside.pairs() and not beside.refused()


def test_in_black_and_white_markings_tell():
    seen = Appearance()
    for pose in POSES:
        canvas, face = picture(0, pose)
        seen.look(grey(canvas), face)
    assert seen.one_tone and person_score(seen) > 0.9
    assert scene(look(1), seen).pairs()
    head = rendered((200, 200, 200), grey)
    assert head.one_tone and person_score(head) < 0.1


def test_a_black_and_white_camera_beside_one_in_colour_shows_a_person():
    def beside(canvas: np.ndarray) -> np.ndarray:
        return np.concatenate([canvas, picture(1, POSES[0])[0]], 1)

    seen, panel = Appearance(), Appearance()
    for pose in POSES:
        canvas, face = picture(0, pose)
        seen.look(beside(grey(canvas)), face)
        vertices = puppet(0).rig.turn(puppet(0).rig.bend(pose), pose)
        flat = np.full_like(canvas, 128)
        depth = np.full(canvas.shape[:2], np.inf, np.float32)
        draw_shaded(flat, depth, vertices, puppet(0).rig.triangles, (200, 200, 200))
        panel.look(beside(flat), face)
    assert seen.one_tone and person_score(seen) > 0.9
    assert person_score(panel) < 0.1
