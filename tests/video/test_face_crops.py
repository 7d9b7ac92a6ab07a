"""Face crops are SyncNet's, at the picture's edge too, and do not depend on the blocks they come in."""

import numpy as np
import pytest

from l2l.video.face_crops import crop_blocks, crop_face
from l2l.video.face_tracks import FaceTrack, pictures_at_25
from tests.media import noise_video
from tests.released.published_weights import enlarged, reference


@pytest.mark.parametrize("number", [0, 1])
def test_crops_are_exactly_those_of_the_original(number):
    stored = reference("syncnet_tracks")
    scene = enlarged(stored["scene"], 20)
    place = np.stack([stored[f"track{number}_{name}"] for name in "xys"], 1)
    frames = stored[f"track{number}_frame"]
    for row, wanted in zip(range(0, len(frames), 30), stored[f"track{number}_crops_every30"], strict=True):
        np.testing.assert_array_equal(crop_face(np.roll(scene, frames[row], 1), *place[row]), wanted)


def test_what_lies_outside_the_picture_is_grey():
    crop = crop_face(np.full((100, 100, 3), 255, np.uint8), x=0, y=50, half=40)
    assert (crop[:, :90] == 110).all() and (crop[40:90, 130:] == 255).all()
    assert (crop_face(np.zeros((100, 100, 3), np.uint8), x=-500, y=900, half=40) == 110).all()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return noise_video(tmp_path_factory.mktemp("crops") / "video.mp4", 1.0)


def test_blocks_hold_every_crop_of_every_track_once(video):
    tracks = [
        FaceTrack(0, np.tile([50.0, 50, 90, 90], (20, 1))),
        FaceTrack(3, np.tile([150.0, 50, 190, 90], (22, 1))),
    ]
    pictures = list(pictures_at_25(video, 30, ""))
    assert len(pictures) == 25
    for size, shared in ((1000, 0), (7, 0), (9, 4)):
        seen = [[], []]
        for number, first, block in crop_blocks(video, 30, tracks, size, shared, lambda crop: crop):
            crops = block.copy()
            assert len(crops) <= size and first == max(len(seen[number]) - shared, 0)
            seen[number] += list(crops[len(seen[number]) - first :])
        for track, crops in zip(tracks, seen, strict=True):
            wanted = [
                crop_face(pictures[track.first + i], *place) for i, place in enumerate(track.where())
            ]  # fmt: skip
            np.testing.assert_array_equal(crops, wanted)
