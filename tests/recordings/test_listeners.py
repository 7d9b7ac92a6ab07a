"""Is it the same listener in all recordings of a person?"""

import numpy as np
import pytest

from l2l.files import save_npz
from l2l.recordings.listeners import with_doubts
from l2l.recordings.recordings import Recording

FACES = np.random.default_rng(0).normal(size=(4, 8, 8, 9)).astype(np.float32)
FACES[..., -1] = 1
SAMPLE = "name who sits where in a sample sheet"


@pytest.fixture
def videos(tmp_path):
    def write(name: str, left: int, right: int) -> None:
        (tmp_path / name).mkdir()
        save_npz(
            tmp_path / name / "tracks.npz",
            seats=np.ones(1, np.int8), person=np.ones(2, np.float32), pattern=FACES[[left, right]], refused=0.0,
        )  # fmt: skip

    for name, seats in {"a": (0, 1), "b": (0, 2), "c": (0, 1), "swapped": (1, 0), "other": (3, 1)}.items():
        write(name, *seats)
    return tmp_path


def test_recordings_with_somebody_else_or_the_other_way_round_are_named(videos):
    rows = [Recording(name) for name in ("a", "b", "c", "swapped", "other")]
    rows[4] = Recording("other", warnings="its sound is silent")
    said = {row.name: row.warnings for row in with_doubts(rows, videos, "left")}
    assert said == {
        "a": "",
        "b": "",
        "c": "",
        "swapped": f"the listener of a seems to sit on the right here: {SAMPLE}",
        "other": "somebody else than in a seems to sit on the left; its sound is silent",
    }


def test_a_sheet_that_says_where_the_person_sits_is_believed(videos):
    rows = [Recording("a"), Recording("c"), Recording("swapped", listener="right")]
    assert not any(row.warnings for row in with_doubts(rows, videos, "left"))


def test_what_cannot_be_compared_is_left_alone(videos):
    rows = [Recording("a"), Recording("other", status="failed"), Recording("without tracks")]
    assert with_doubts(rows, videos, "left") == rows
