"""A picture is RGB where it is looked at, and says the same as the whole of it."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from l2l.video.face_nets import Region, crop_region
from l2l.video.media import read_frames, video_writer
from l2l.video.picture import Picture, read_pictures, scaled_down

A_FEW = 16  # of 255: swscale rounds colours roughly


def view(height: int = 96, width: int = 160) -> np.ndarray:
    """(height, width, 3) uint8 that changes slowly, for colours are stored coarsely."""
    coarse = np.random.default_rng(0).uniform(20, 235, (4, 6, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def stored(kind: str, height: int = 96, width: int = 160) -> Picture:
    return Picture(av.VideoFrame.from_ndarray(view(height, width), format="rgb24").reformat(format=kind))


def grey(rgb: np.ndarray) -> np.ndarray:
    return cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (64, 36), interpolation=cv2.INTER_AREA).astype(np.float32)


@pytest.mark.parametrize(
    "rectangle", [(30, 20, 90, 60), (31.2, 20.7, 90.1, 60.9), (-50, -9, 20, 300), (100, 50, 900, 80)]
)
def test_a_part_is_what_the_whole_picture_has_there(rectangle):
    picture = stored("yuv420p")
    part, left, top = picture.part(*rectangle)
    assert "rgb" not in vars(picture)  # the rest was left alone
    high, wide = part.shape[:2]
    assert left <= max(rectangle[0], 0) and left + wide >= min(rectangle[2] + 1, 160)
    assert top <= max(rectangle[1], 0) and top + high >= min(rectangle[3] + 1, 96)
    assert wide <= rectangle[2] - rectangle[0] + 5 and high <= rectangle[3] - rectangle[1] + 5
    apart = np.abs(part.astype(int) - picture.rgb[top : top + high, left : left + wide])
    assert apart.max() < A_FEW and apart.mean() < 2


@pytest.mark.parametrize("rectangle", [(-90, 20, -40, 60), (500, 500, 600, 600)])
def test_a_part_outside_the_picture_is_its_edge(rectangle):
    part, left, top = stored("yuv420p").part(*rectangle)
    assert part.shape[0] >= 2 and part.shape[1] >= 2 and left in (0, 158) and top in (20, 94)


@pytest.mark.parametrize(
    "picture",
    [
        stored("yuvj420p"),
        stored("yuv420p", 479, 853),
        stored("yuv422p"),
        stored("rgb24"),
        Picture.of(view()),
    ],
    ids=["full range", "odd", "other colours", "rgb", "an array"],
)
def test_other_pictures_are_converted_whole_and_say_the_same(picture):
    part, left, top = picture.part(31, 20, 90, 60)
    np.testing.assert_array_equal(part, picture.rgb[top : top + part.shape[0], left : left + part.shape[1]])
    assert np.abs(picture.brightness(64, 36) - grey(picture.rgb)).mean() < 3


def test_an_array_stays_what_it_is():
    assert (Picture.of(view()).rgb == view()).all() and Picture.of(view()).shape == (96, 160, 3)


def test_brightness_is_that_of_the_colours():
    assert np.abs(stored("yuv420p").brightness(64, 36) - grey(view())).mean() < 2
    black = Picture.of(np.zeros((96, 160, 3), np.uint8))
    assert np.abs(black.brightness(64, 36)).max() < 1


@pytest.mark.parametrize("region", [Region(80, 45, 60, 0.3), Region(5, 80, 70, -1.0), Region(400, 45, 60, 0.0)])
def test_a_network_sees_the_same_of_a_picture_and_of_its_colours(region):
    (mine, to_picture), (other, same) = (crop_region(p, region, 48) for p in (stored("yuv420p"), stored("yuv420p").rgb))
    np.testing.assert_array_equal(to_picture, same)
    assert np.abs(mine - other).mean() < 2 / 255
    assert np.abs(mine - other).max() < A_FEW / 255


@pytest.mark.parametrize("size", [(720, 1280), (481, 853), (90, 160), (36, 64)])
def test_scaled_down_is_the_mean_of_what_falls_into_a_pixel(size):
    picture = view(*size)
    expected = cv2.resize(picture.astype(np.float32), (64, 36), interpolation=cv2.INTER_AREA)
    found = scaled_down(picture, 64, 36)
    assert found.shape == (36, 64, 3)
    assert np.abs(found - expected).mean() < 2 and np.abs(found - expected).max() < A_FEW


def test_the_pictures_of_a_recording_are_its_frames(tmp_path: Path):
    with video_writer(tmp_path / "a.mp4", 160, 96) as write:
        for light in range(5):
            write(view() // (1 + light))
    pictures = list(read_pictures(tmp_path / "a.mp4"))  # all at once, as they wait for the end of a scene
    for picture, frame in zip(pictures, read_frames(tmp_path / "a.mp4"), strict=True):
        np.testing.assert_array_equal(picture.rgb, frame)
