"""What a source gives: which clips, of whom, from which frame of the recording on."""

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.export import sources
from l2l.files import save_npz
from tests.export.made import FRAMES, GIVEN, REST, STARTS, motion, write_results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("made"))


def of(results, sides=(), count=None):
    return sources.of_results(results, results.parents[1] / "data/alice", sides, count)


def test_a_clip_is_a_window_with_its_truth_and_futures(results):
    takes = of(results, count=2)
    assert [take.name for take in takes[:3]] == ["talk_00008_true", "talk_00008_sample_1", "talk_00008_sample_2"]
    assert [take.start for take in takes] == np.repeat(STARTS, 3).tolist()
    np.testing.assert_array_equal(takes[0].motion, motion()[8:72])
    with np.load(results / "samples.npz") as file:
        np.testing.assert_array_equal(takes[-1].motion, file["samples"][1, 2])
    assert [take.given for take in takes[:3]] == [0, GIVEN, GIVEN]
    assert {take.backend for take in takes} == {"blendshapes"}
    np.testing.assert_array_equal(takes[0].at_rest.rest, REST)
    recording = takes[0].recording
    assert (recording.frames, recording.video.name, recording.speaks.shape) == (FRAMES, "video.mp4", (FRAMES, 2))


def test_where_whole_turns_were_drawn_a_clip_is_a_turn(tmp_path):
    results = write_results(tmp_path, turns=True)
    takes = of(results)
    # The windows at 8 and 40 overlap; that at 104 begins where they end.
    assert [(take.name, len(take)) for take in takes] == [("talk_00008_true", 160), ("talk_00008_sample_1", 160)]
    np.testing.assert_array_equal(takes[0].motion, motion()[8:168])
    with np.load(results / "samples.npz") as file:
        turns = file["turns"]
    np.testing.assert_array_equal(takes[1].motion, np.concatenate([turns[0], turns[1, 32:], turns[2]]))
    assert len(of(results, count=1)) == 2 * len(STARTS)


def test_both_people_of_the_clips(results):
    takes = of(results, sides=("left", "right"), count=0)
    assert [take.what for take in takes] == ["true", "speaker"] * len(STARTS)
    np.testing.assert_array_equal(takes[1].motion, motion(seed=1)[8:72])
    assert [take.what for take in of(results, sides=("right",), count=1)] == ["speaker"] * len(STARTS)


def test_the_listener_may_sit_on_the_other_side_in_a_recording(tmp_path):
    results = write_results(tmp_path)
    video = results / "videos/talk"
    video.joinpath("faces_left.npz").rename(video / "other.npz")
    video.joinpath("faces_right.npz").rename(video / "faces_left.npz")
    video.joinpath("other.npz").rename(video / "faces_right.npz")
    assert [take.what for take in of(results, sides=("right",), count=0)] == ["true"] * len(STARTS)


def test_faces_that_are_not_the_windows_are_refused(tmp_path):
    results = write_results(tmp_path)
    for side in ("left", "right"):
        save_npz(
            results / f"videos/talk/faces_{side}.npz",
            **{"faces": np.zeros((FRAMES, 56)), "valid": np.ones(FRAMES, bool), "segment": np.zeros(FRAMES, int)},
            neutral=np.zeros((468, 3)),
        )
    with pytest.raises(UserError, match="holds other faces than the windows of talk; chunk and sample again"):
        of(results)


def test_more_futures_than_were_drawn(results):
    with pytest.raises(UserError, match=r"samples\.npz holds 3 futures of each window; give --samples fewer"):
        of(results, count=4)


def test_data_without_recordings_are_named_shapes_or_have_the_published_columns(tmp_path):
    results = write_results(tmp_path)
    results.joinpath("face_basis.npz").unlink()
    results.joinpath("videos").rename(tmp_path / "gone")
    take = of(results)[0]
    assert (take.backend, take.at_rest, take.recording.video, take.recording.frames) == ("blendshapes", None, None, 168)
    listener = tmp_path / "data/alice/test/p0_list_faces_clean_deca.npy"
    windows = np.load(listener)
    windows[..., 49] = 1  # no shape has this column
    np.save(listener, windows)
    assert of(results)[0].backend == "deca"


def test_several_people_in_one_model_have_recordings_of_their_own(tmp_path):
    results = write_results(tmp_path, name="talk")
    both, data = tmp_path / "results/both", tmp_path / "data/both"
    both.mkdir()
    for file in ("codebook.pt", "samples.npz"):
        results.joinpath(file).rename(both / file)
    (tmp_path / "data/alice").rename(data)
    files = data / "test/p1_speak_files_clean_deca.npy"
    names = np.load(files)
    np.save(files, np.concatenate([np.char.add("alice/", names[..., :1]), names[..., 1:]], -1))
    take = sources.of_results(both, data, (), 1)[1]
    assert (take.name, take.backend, take.recording.frames) == ("alice_talk_00008_sample_1", "blendshapes", FRAMES)


def test_a_faces_file_is_a_take_whose_unseen_frames_hold_the_face(results):
    left, right = sources.of_recording(results / "videos/talk", ())
    assert (left.name, left.what, right.name) == ("talk_faces_left", "left", "talk_faces_right")
    assert left.seen.tolist() == [False] * 3 + [True] * (FRAMES - 3)
    np.testing.assert_array_equal(left.motion[:4], motion()[[3, 3, 3, 3]])
    assert left.basis == results / "face_basis.npz"


def test_a_live_conversation_also_holds_who_talked(results, tmp_path):
    with np.load(results / "videos/talk/faces_left.npz") as file:
        listener = dict(file)
    seen = np.arange(FRAMES) >= 5
    more = {"probability": np.zeros((FRAMES, 2)), "speaker": motion(seed=1), "speaker_seen": seen}
    save_npz(tmp_path / "live.npz", **listener, **more)
    assert [take.name for take in sources.of_session(tmp_path / "live.npz", ())] == ["live"]
    speaker, take = sources.of_session(tmp_path / "live.npz", ("left", "right"))
    assert (speaker.name, speaker.what, speaker.at_rest, take.name) == ("live_speaker", "speaker", None, "live")
    np.testing.assert_array_equal(speaker.motion[5:], motion(seed=1)[5:])
    np.testing.assert_array_equal(speaker.motion[0], motion(seed=1)[5])
    assert speaker.seen.tolist() == seen.tolist()
    save_npz(tmp_path / "talk.npz", **listener, probability=np.zeros((FRAMES, 2)))
    with pytest.raises(UserError, match="holds no face of the person on the left; leave --side out"):
        sources.of_session(tmp_path / "talk.npz", ("left",))
    assert len(sources.of_session(results / "videos/talk/faces_left.npz", ("left",))) == 1


def test_a_face_that_is_never_seen(tmp_path):
    face = {"faces": np.zeros((9, 56)), "valid": np.zeros(9, bool), "segment": np.zeros(9, int)}
    save_npz(tmp_path / "faces.npz", **face, neutral=np.zeros((468, 3)))
    with pytest.raises(UserError, match=r"faces\.npz: the face is never seen"):
        sources.of_file(tmp_path / "faces.npz")
