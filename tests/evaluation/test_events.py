from pathlib import Path

import numpy as np
import pytest

from l2l.evaluation.events import SCORES, Directions, Events, detect, match
from l2l.faces.columns import SHAPES
from l2l.files import save_npz
from l2l.video import mesh

FRAMES = 300
WIDE, CLOSED = np.eye(50)[:2]


def still() -> np.ndarray:
    return np.zeros((FRAMES, 56))


def bump(at: int, frames: int, height: float) -> np.ndarray:
    """(T,) a smooth rise and fall that is highest at `at`."""
    t = np.clip((np.arange(FRAMES) - at) / frames, -0.5, 0.5)
    return height * np.cos(np.pi * t) ** 2


def times(motion: np.ndarray, kind: str, first: int = 0) -> list[int]:
    found = detect([motion], [first], Directions(WIDE, CLOSED, 0.025, 0.008))[kind]
    assert (found.clip == 0).all()
    return found.time.tolist()


def test_a_nod_is_a_quick_dip_of_the_head() -> None:
    x = still()
    x[:, 50] = bump(60, 15, 0.1) + bump(200, 15, 0.1)
    assert times(x, "nod") == [60, 200]
    assert times(still(), "nod") == []
    x[:, 50] = bump(60, 15, 0.05)  # too small
    assert times(x, "nod") == []
    x[:, 50] = bump(150, 200, 0.3)  # too slow
    assert times(x, "nod") == []


def test_two_dips_in_a_row_are_one_nod() -> None:
    x = still()
    x[:, 50] = bump(60, 14, 0.1) + bump(74, 14, 0.1)
    assert times(x, "nod") == [67]


def test_a_shake_goes_left_and_right() -> None:
    x, t = still(), np.arange(FRAMES)
    x[:, 51] = 0.1 * np.sin(2 * np.pi * (t - 100) / 20) * ((t >= 100) & (t < 160))
    (middle,) = times(x, "shake")
    assert 120 <= middle <= 140
    x[:, 51] = bump(100, 15, 0.2)  # a glance to one side
    assert times(x, "shake") == []


def test_smiles_and_blinks_need_to_know_what_expressions_do() -> None:
    x = still()
    x[100:130, 0] = 0.05  # mouth 0.05 wider for a second
    x[200:205, 0] = 0.05  # too short
    x[:, 1] = bump(50, 8, 0.03)  # lids close
    assert times(x, "smile") == [100] and times(x, "blink") == [50]
    assert set(detect([x], [0], None)) == {"nod", "shake"}


def test_only_events_after_the_first_predicted_frame_count_and_their_time_starts_there() -> None:
    x = still()
    x[:, 50] = bump(60, 15, 0.1) + bump(200, 15, 0.1)
    assert times(x, "nod", first=64) == [200 - 64]
    assert times(x, "nod", first=58) == [2, 142]


def test_clips_are_looked_at_one_by_one() -> None:
    x = still()
    x[:, 50] = bump(0, 15, 0.1)  # falls from the first frame on: no dip in one clip, one across two
    rising = still()
    rising[:, 50] = bump(FRAMES - 1, 15, 0.1)
    assert len(detect([rising, x], [0, 0], None)["nod"].clip) == 0
    x[:, 50] = bump(100, 15, 0.1)
    found = detect([x, still()[:80], x], [0, 0, 0], None)["nod"]
    assert found.clip.tolist() == [0, 2] and found.time.tolist() == [100, 100]


def test_the_directions_of_landmarks_are_those_of_the_mesh(tmp_path: Path) -> None:
    template = np.zeros((468, 3))
    template[mesh.MOUTH_CORNERS[0], 0], template[mesh.MOUTH_CORNERS[1], 0] = -1, 1
    components = np.zeros((50, 468, 3))
    components[3, mesh.MOUTH_CORNERS[1], 0] = 1.0  # one corner goes outwards
    components[7, [145, 153, 144, 374, 380, 373], 1] = 0.5  # lower lids go down
    save_npz(tmp_path / "basis.npz", template=template, components=components.reshape(50, -1))
    found = Directions.of(tmp_path / "basis.npz")
    assert found is not None
    np.testing.assert_allclose(found.smile, np.eye(50)[3])
    np.testing.assert_allclose(found.blink, -0.5 * np.eye(50)[7])
    assert (found.smiles_from, found.blink_depth) == (0.025, 0.008)


def test_named_shapes_say_smile_and_blink(tmp_path: Path) -> None:
    save_npz(tmp_path / "basis.npz", backend=np.array("blendshapes"), template=np.zeros((468, 3)))
    directions = Directions.of(tmp_path / "basis.npz")
    x = still()
    for side in ("Left", "Right"):
        x[100:130, SHAPES.index(f"mouthSmile{side}")] = 0.4
        x[:, SHAPES.index(f"eyeBlink{side}")] = bump(50, 8, 0.5)
    found = detect([x], [0], directions)
    assert found["smile"].time.tolist() == [100] and found["blink"].time.tolist() == [50]
    assert detect([x], [0], Directions.without_basis(x)).keys() == found.keys()
    x[:, SHAPES.index("mouthSmileLeft")] *= -1  # one corner of the mouth is no smile
    assert not len(detect([x], [0], directions)["smile"].time)


def test_without_a_basis_only_named_shapes_are_known() -> None:
    assert Directions.without_basis(still()) is None
    x = still()
    x[:, SHAPES.index("mouthPucker")] = bump(50, 8, 0.5)
    assert Directions.without_basis(x) is not None
    x[0, 48] = 0.01  # a column that named shapes leave empty
    assert Directions.without_basis(x) is None


def test_expressions_of_flame_show_no_events(tmp_path: Path) -> None:
    save_npz(tmp_path / "basis.npz", backend=np.array("deca"), landmarks=np.array("mesh"))
    assert Directions.of(tmp_path / "basis.npz") is None


def at(*moments: tuple[int, int]) -> Events:
    clip, time = np.array(moments, int).reshape(-1, 2).T
    return Events(clip, time)


def test_events_match_once_within_the_window_of_their_clip() -> None:
    truth = at((0, 10), (0, 40), (1, 10))
    counts = match(at((0, 12), (0, 14), (1, 31)), truth, 3, window=0.5)
    np.testing.assert_array_equal(counts, [[1, 2, 2], [0, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(match(truth, truth, 3, 0.5)[:, 0], [2, 1, 0])
    total = counts.sum(0)
    assert SCORES["precision"](total) == pytest.approx(1 / 3) and SCORES["recall"](total) == pytest.approx(1 / 3)
    assert SCORES["f1"](np.array([2, 4, 2])) == pytest.approx(2 / 3)


def test_without_events_there_is_no_score() -> None:
    nothing = np.zeros(3)
    assert np.isnan([SCORES["precision"](nothing), SCORES["recall"](nothing), SCORES["f1"](nothing)]).all()
    assert SCORES["f1"](np.array([0, 0, 3])) == 0
