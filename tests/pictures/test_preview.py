"""preview: what was measured and what was sampled, side by side."""

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.files import save_npz
from l2l.pictures import preview
from l2l.pictures.preview import write_preview
from l2l.video.media import read_frames
from tests.pictures.made import DRAWN, write_measured


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preview")
    return write_measured(folder, folder / "data")


def run(folder, out, samples="samples.npz"):
    write_preview(
        folder / "videos", folder / "data", folder / samples, folder / "face_basis.npz", "left", out, seconds=2.0
    )


def test_the_sampled_face_is_shown_exactly_where_there_is_a_prediction(made, tmp_path):
    run(made, tmp_path / "preview.mp4")
    frames = list(read_frames(tmp_path / "preview.mp4"))
    assert len(frames) == 60 and frames[0].shape == (720, 1280, 3)
    # Shown from frame 8 on; predicted are frames 40 to 71: the centre of the lower face is paper before.
    lower = np.array([frame[500:580, 1040:1110].mean() for frame in frames])
    assert (lower[:30] > 230).all() and (lower[34:] < 230).all()
    upper = np.array([frame[140:220, 1040:1110].mean() for frame in frames])
    assert (upper < 230).all()


def test_where_the_person_sits_on_the_other_side_that_face_is_drawn(made):
    for seats, seat in (({}, 0), ({"talk": "right"}, 1)):
        places = made / "videos", made / "data", made / "samples.npz", made / "face_basis.npz"
        assert preview._gather(*places, "left", seats).listener == seat


def test_samples_of_other_chunks_are_refused(made, tmp_path):
    save_npz(made / "other.npz", samples=np.zeros((2, 3, 64, 56), np.float32), **DRAWN)
    with pytest.raises(UserError, match=r"other\.npz: samples have shape \(2, 3, 64, 56\)"):
        run(made, tmp_path / "preview.mp4", "other.npz")
    assert not list(tmp_path.iterdir())


def test_the_recording_and_the_sample_can_be_chosen(made):
    save_npz(
        made / "two.npz", samples=np.arange(2.0)[:, None, None, None] * np.ones((2, 1, 64, 56), np.float32), **DRAWN
    )
    places = made / "videos", made / "data", made / "two.npz", made / "face_basis.npz"
    for number in (1, 2):
        sampled = preview._gather(*places, "left", {}, "talk", number).sampled
        assert np.nanmax(sampled) == np.nanmin(sampled) == number - 1
    with pytest.raises(UserError, match="no test window of walk; choose among talk"):
        preview._gather(*places, "left", {}, "walk")
    with pytest.raises(UserError, match="holds 2 samples; choose 1 to 2"):
        preview._gather(*places, "left", {}, None, 3)
