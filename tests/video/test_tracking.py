"""track: two people keep their identity; pictures on the wall, overlays and cuts do not confuse it."""

import cv2
import numpy as np
import pytest

from l2l import config
from l2l.demo.puppet import photograph
from l2l.errors import UserError
from l2l.video import tracking
from l2l.video.media import video_writer
from l2l.video.tracking import track
from l2l.video.tracks import Seats, fill_short_gaps, load_cast, load_tracks
from tests.media import face_photo

SETTINGS = config.TrackingSettings()


def sway(frame: int) -> int:
    """Pixels that a living face is moved by."""
    return round(6 * np.sin(frame / 4))


def write(path, frames, draw):
    """A 640x360 video; `draw(canvas, frame)` paints each frame."""
    with video_writer(path, 640, 360) as write:
        for frame in range(frames):
            canvas = np.full((360, 640, 3), (96, 112, 120), np.uint8)
            draw(canvas, frame)
            write(canvas)
    return path


def paste(canvas, photo, x, y):
    canvas[y : y + photo.shape[0], x : x + photo.shape[1]] = photo


@pytest.fixture(scope="module")
def photo():
    return face_photo(240)


def two_people(photo):
    def draw(canvas, frame):
        paste(canvas, photo, 20 + sway(frame), 60)
        paste(canvas, photo[:, ::-1], 340 - sway(frame), 70)

    return draw


def run(path, settings=SETTINGS):
    track(path, path.with_suffix(".npz"), settings)
    return load_tracks(path.with_suffix(".npz"))


def test_left_is_p0_and_right_is_p1_in_every_frame(tmp_path, photo):
    tracks = run(write(tmp_path / "a.mp4", 40, two_people(photo)))
    assert tracks.found.all()
    centre = tracks.box[:, :, [0, 2]].mean(-1)  # (T, 2) x of each face
    assert (centre[:, 0] < 320).all() and (centre[:, 1] > 320).all()


def test_landmarks_are_stored_to_a_small_part_of_a_pixel(tmp_path, photo):
    tracks = run(write(tmp_path / "a.mp4", 12, two_people(photo)))
    frames, landmarks = next(tracks.blocks())
    assert (frames.start, landmarks.shape) == (0, (12, 2, 468, 3))
    low = landmarks[:, :, :, :2].min(2)
    np.testing.assert_allclose(low, tracks.box[:, :, :2], atol=0.05)


def test_identity_survives_a_hidden_face(tmp_path, photo):
    def draw(canvas, frame):
        two_people(photo)(canvas, frame)
        if 15 <= frame < 25:
            canvas[80:260, 70:250] = 90  # something passes in front of the left person

    tracks = run(write(tmp_path / "a.mp4", 60, draw))
    assert tracks.found[:, 1].all()
    assert not tracks.found[17:24, 0].any()
    assert tracks.found[40:, 0].all() and (tracks.box[40:, 0, 2] < 320).all()


def test_a_picture_on_the_wall_and_a_small_overlay_are_no_people(tmp_path, photo):
    small, picture = face_photo(60), face_photo(150)

    def draw(canvas, frame):
        paste(canvas, photo[:200], 10 + sway(frame), 150)
        paste(canvas, photo[:200, ::-1], 350 - sway(frame), 150)
        paste(canvas, picture, 235, 0)  # on the wall between them, never moves
        paste(canvas, small, 560 + sway(frame) // 3, 20)  # in the corner, moves

    tracks = run(write(tmp_path / "a.mp4", 60, draw))
    assert tracks.found.mean() > 0.95
    middle = (tracks.box[:, :, :2] + tracks.box[:, :, 2:]) / 2
    assert (middle[:, 0, 0][tracks.found[:, 0]] < 230).all()
    right = middle[:, 1][tracks.found[:, 1]]
    assert (right[:, 0] > 380).all() and (right[:, 1] > 150).all()


def test_a_cut_starts_a_new_scene_with_its_own_left_and_right(tmp_path, photo):
    def draw(canvas, frame):
        if frame < 20:
            two_people(photo)(canvas, frame)
        else:
            canvas[:] = (250, 240, 200)
            paste(canvas, photo, 60 + sway(frame), 100)
            paste(canvas, photo[:, ::-1], 300 - sway(frame), 20)

    tracks = run(write(tmp_path / "a.mp4", 40, draw))
    assert tracks.segment.max() == 1 and (tracks.segment == (np.arange(40) >= 20)).all()
    assert tracks.found.mean() > 0.95
    assert (tracks.box[:, 0, 0] < tracks.box[:, 1, 0]).all()


def test_nobody_is_found_in_the_pictures_of_a_cross_fade(tmp_path, photo):
    def draw(canvas, frame):
        before, after = canvas.copy(), np.full_like(canvas, (250, 240, 200))
        two_people(photo)(before, frame)
        paste(after, photo, 60 + sway(frame), 100)
        paste(after, photo[:, ::-1], 300 - sway(frame), 20)
        share = np.clip((frame - 17) / 11, 0, 1)
        canvas[:] = (1 - share) * before + share * after

    tracks = run(write(tmp_path / "a.mp4", 48, draw))
    assert not tracks.found[19:27].any()
    assert tracks.found[:17].all() and tracks.found[30:].all()
    assert len({tracks.segment[k] for k in (5, 22, 40)}) == 3


def test_left_stays_the_person_when_the_two_change_sides_at_a_cut(tmp_path, photo):
    other = cv2.resize(photograph(1)[40:340, 110:400], (232, 240), interpolation=cv2.INTER_AREA)

    def draw(canvas, frame):
        seats = (photo, other) if frame < 20 else (other, photo)
        canvas[:] = (250, 240, 200) if frame < 20 else (60, 60, 80)
        paste(canvas, seats[0], 20 + sway(frame), 60)
        paste(canvas, seats[1], 340 - sway(frame), 70)

    path = write(tmp_path / "a.mp4", 40, draw)
    by_side, tracks = run(path, config.TrackingSettings(identity="side")), run(path)
    assert tracks.found[2:].all() and by_side.found[2:].all()
    on_the_left = tracks.box[:, :, 0] < 200
    assert on_the_left[2:20, 0].all() and on_the_left[22:, 1].all()
    assert not on_the_left[2:20, 1].any() and not on_the_left[22:, 0].any()
    assert (by_side.box[2:, 0, 0] < 200).all()
    cast = load_cast(path.with_suffix(".npz"))
    assert cast is not None and cast.seats.tolist() == [Seats.FIRST, Seats.SWAPPED]


def test_one_face_alone_is_never_together(tmp_path, photo):
    tracks = run(write(tmp_path / "alone.mp4", 20, lambda canvas, frame: paste(canvas, photo, 100 + sway(frame), 60)))
    assert len(tracks) == 20 and not tracks.found.all(1).any()


def test_pictures_that_are_too_large_to_be_held_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "_MOST_PIXELS", 640 * 359)
    video = write(tmp_path / "video.mp4", 2, lambda canvas, frame: None)
    with pytest.raises(UserError, match=r"video\.mp4 has pictures of 640x360; normalise it to 3840x2160 or less"):
        track(video, tmp_path / "tracks.npz", SETTINGS)
    assert not (tmp_path / "tracks.npz").exists()


def test_a_broken_tracks_file_is_named(tmp_path):
    (tmp_path / "tracks.npz").write_text("x")
    with pytest.raises(UserError, match=r"tracks\.npz"):
        load_tracks(tmp_path / "tracks.npz")
    with pytest.raises(UserError, match="is missing"):
        load_tracks(tmp_path / "none.npz")


def test_only_short_gaps_inside_a_scene_are_filled():
    found = np.array([1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1], bool)
    segment = np.array([0] * 9 + [1] * 2)
    values = np.where(found, np.arange(11.0), 99)[:, None]
    valid = fill_short_gaps(values, found, segment, bridge=2)
    assert valid.tolist() == [True] * 4 + [False] * 3 + [True, True, False, True]
    np.testing.assert_allclose(values[:4, 0], [0, 1, 2, 3])
