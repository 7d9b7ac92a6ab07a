"""Listeners of any length: live and offline alike, alone and in company alike."""

import numpy as np
import pytest
import torch

import l2l
from l2l.architectures import sample, train_codebook, train_predictor
from l2l.dataset.layout import load_chunks
from l2l.dataset.together import gather
from l2l.errors import UserError
from l2l.features.sound import frame_sound
from l2l.patches.checkpoint import load_models
from l2l.patches.stream import Sampling, sample_sequences
from l2l.pictures.listen import listen
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, with_a_branch

P = 40  # patches, more than a layer looks back


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    folder = tmp_path_factory.mktemp("person")
    write_chunks(folder, windows=6, videos=4)
    write_chunks(folder, windows=4, videos=2, split="test")
    settings = tiny_patches(steps=60)
    train_codebook(folder, "left", settings, folder / "codebook.pt", folder / "board")
    train_predictor(folder, folder / "codebook.pt", "left", settings, folder / "predictor.pt", folder / "board")
    with_a_branch(folder / "predictor.pt")
    return folder


@pytest.fixture(scope="module")
def speakers():
    random = np.random.default_rng(0)
    faces = 0.2 * random.standard_normal((3, 8 * P, 56)).astype(np.float32)
    return faces, random.gamma(2, 0.5, (3, 32 * P, 128)).astype(np.float32)


@pytest.fixture(scope="module")
def offline(person, speakers):
    models = load_models(person / "codebook.pt", person / "predictor.pt")
    faces, rows = speakers
    return sample_sequences(models, faces, frame_sound(rows, models.power), [(7, 0, n) for n in range(3)])


def live(listener, faces, rows, patches=range(P)):
    return [listener.step(faces[..., 8 * t : 8 * t + 8, :], rows[..., 32 * t : 32 * t + 32, :]) for t in patches]


def test_live_is_offline_one_patch_later(person, speakers, offline):
    listener = l2l.Listener.load(person, seed=7)
    assert listener.look_ahead == 8
    motion = np.concatenate([*live(listener, speakers[0][0], speakers[1][0])[1:], listener.flush()])
    np.testing.assert_allclose(motion, offline.motion[0], atol=1e-5)


def test_company_changes_nobody(person, speakers, offline):
    listeners = l2l.Listener.load(person, seed=7, count=3)
    motion = np.concatenate([*live(listeners, *speakers)[1:], listeners.flush()], axis=1)
    np.testing.assert_allclose(motion, offline.motion, atol=1e-5)


def test_state_can_be_kept_and_put_back(person, speakers):
    listener = l2l.Listener.load(person, seed=1)
    faces, rows = speakers[0][0], speakers[1][0]
    live(listener, faces, rows, range(30))
    kept = listener.state
    first = live(listener, faces, rows, range(30, P))
    listener.state = kept
    np.testing.assert_array_equal(live(listener, faces, rows, range(30, P)), first)


def test_a_reset_listener_begins_again_and_another_seed_is_another_listener(person, speakers):
    listener = l2l.Listener.load(person, seed=1)
    first = live(listener, speakers[0][0], speakers[1][0], range(6))
    listener.reset()
    np.testing.assert_array_equal(live(listener, speakers[0][0], speakers[1][0], range(6)), first)
    listener.reset(seed=2)
    assert not np.array_equal(live(listener, speakers[0][0], speakers[1][0], range(6)), first)


def test_wrong_input_is_named(person, speakers):
    listener = l2l.Listener.load(person)
    with pytest.raises(UserError, match=r"faces have shape \(7, 56\), expected \(8, 56\)"):
        listener.step(speakers[0][0, :7], speakers[1][0, :32])
    with pytest.raises(UserError, match="audio hold NaN"):
        listener.step(speakers[0][0, :8], np.full((32, 128), np.nan))


def test_the_strength_of_the_speaker_changes_what_is_drawn(person, speakers):
    models = load_models(person / "codebook.pt", person / "predictor.pt")
    faces, sound = speakers[0], frame_sound(speakers[1], models.power)
    seeds = [(0, n) for n in range(3)]
    own = float(models.predictor.strength[0])
    plain, same, strong = (
        sample_sequences(models, faces, sound, seeds, Sampling(strength=strength)) for strength in (None, own, 3 * own)
    )
    np.testing.assert_array_equal(plain.codes, same.codes)
    assert not np.array_equal(plain.codes, strong.codes)


def test_a_length_that_is_no_whole_patch_is_kept(person, speakers):
    models = load_models(person / "codebook.pt", person / "predictor.pt")
    faces, sound = speakers[0][:, :77], frame_sound(speakers[1], models.power)[:, :77]
    found = sample_sequences(models, faces, sound, [(0,)] * 3)
    assert found.motion.shape == (3, 77, 56) and found.codes.shape == (3, 10, 6)


def test_every_speaker_has_as_many_listeners(person, speakers):
    models = load_models(person / "codebook.pt", person / "predictor.pt")
    with pytest.raises(ValueError, match="4 seeds for 3 speakers"):
        sample_sequences(models, speakers[0], frame_sound(speakers[1], models.power), [(0,)] * 4)


def test_listeners_to_one_speaker_are_those_of_the_same_seeds_alone(person):
    """A speaker is heard once for all of them."""
    models = load_models(person / "codebook.pt", person / "predictor.pt")
    data = load_chunks(person, "test", "left")
    past = np.asarray(data.listener[:2, :32, :56])
    faces, sound = np.asarray(data.speaker[:2, :, :56]), frame_sound(data.audio[:2], models.power)
    together = sample_sequences(models, faces, sound, [(n, s) for n in range(2) for s in range(3)], past=past)
    for n in range(2):
        for s in range(3):
            alone = sample_sequences(models, faces[n : n + 1], sound[n : n + 1], [(n, s)], past=past[n : n + 1])
            np.testing.assert_array_equal(together.codes[3 * n + s], alone.codes[0])
            np.testing.assert_allclose(together.motion[3 * n + s], alone.motion[0], rtol=0, atol=1e-5)


def test_a_given_past_is_followed(person):
    """Codes of the past are those of the real listener, and the first drawn ones depend on them."""
    models = load_models(person / "codebook.pt", person / "predictor.pt")
    data = load_chunks(person, "test", "left")
    past = np.asarray(data.listener[:2, :32, :56])
    faces, sound = np.asarray(data.speaker[:2, :, :56]), frame_sound(data.audio[:2], models.power)
    found = sample_sequences(models, faces, sound, [(0, 0), (0, 1)], past=past)
    wanted = models.codebook.encode(torch.from_numpy(models.listener.apply(past))).numpy()
    np.testing.assert_array_equal(found.codes[:, :4], wanted)
    assert (found.entropy[:, :4] == 0).all() and (found.entropy[:, 4:] > 0).all()


@pytest.mark.parametrize("span", ["window", "sequence"])
@pytest.mark.parametrize("past", ["real", "none"])
def test_samples_of_windows_keep_their_contract(person, tmp_path, span, past):
    settings = tiny_patches(sampling={"samples": 2, "span": span, "past": past, "batch_size": 3})
    paths = person / "codebook.pt", person / "predictor.pt"
    sample(person, *paths, "left", settings, tmp_path / "samples.npz")
    data = load_chunks(person, "test", "left")
    with np.load(tmp_path / "samples.npz") as found:
        samples, first = found["samples"], int(found["first_frame"])
        assert samples.shape == (2, 8, 64, 56) and np.isfinite(samples).all()
        assert found["codes"].shape == (2, 8, 8, 6) and found["entropy"].shape == (8, 8)
        turns, given = found["turns"], found["given"]
    np.testing.assert_array_equal(turns[1, 32:], turns[2, :32])  # whatever the span: one listener, as it goes on
    assert first == (32 if past == "real" else 0)
    known = np.isin(np.arange(8), [0, 4]) | (span == "window")  # the first window of each recording, or all
    np.testing.assert_array_equal(given, first * known)
    for row in np.flatnonzero(given):
        np.testing.assert_array_equal(samples[0, row, :32], data.listener[row, :32, :56])
    assert not np.array_equal(samples[0, :, first:], samples[1, :, first:])
    if span == "sequence":  # neighbouring windows share 32 frames, and one listener
        np.testing.assert_array_equal(samples[:, 1, 32:], samples[:, 2, :32])


def test_a_window_that_begins_inside_a_patch_has_no_codes(person, tmp_path):
    write_chunks(tmp_path, windows=5, videos=1, split="test", stride=20)
    settings = tiny_patches(sampling={"samples": 1, "span": "sequence"})
    sample(tmp_path, person / "codebook.pt", person / "predictor.pt", "left", settings, tmp_path / "samples.npz")
    with np.load(tmp_path / "samples.npz") as found:
        codes, entropy = found["codes"][0], found["entropy"]
    aligned = 20 * np.arange(5) % 8 == 0
    assert aligned.tolist() == [True, False, True, False, True]
    assert (codes[aligned] >= 0).all() and (codes[~aligned] == -1).all()
    np.testing.assert_array_equal(np.isnan(entropy), np.repeat(~aligned[:, None], 8, axis=1))


def test_batches_change_no_sample(person, tmp_path):
    paths = person / "codebook.pt", person / "predictor.pt"
    for size in (1, 8):
        sample(
            person, *paths, "left", tiny_patches(sampling={"samples": 2, "batch_size": size}), tmp_path / f"{size}.npz"
        )
    with np.load(tmp_path / "1.npz") as one, np.load(tmp_path / "8.npz") as eight:
        np.testing.assert_array_equal(one["codes"], eight["codes"])
        np.testing.assert_allclose(one["samples"], eight["samples"], atol=1e-5)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A model of two people, gathered and trained."""
    folder = tmp_path_factory.mktemp("both")
    for name in ("ann", "bob"):
        for split in ("train", "test"):
            write_chunks(folder / name, windows=4, videos=2, split=split)
    gather({name: (folder / name, "left") for name in ("ann", "bob")}, folder)
    settings = tiny_patches(steps=12)
    train_codebook(folder, "left", settings, folder / "codebook.pt", folder / "board")
    files = folder / "codebook.pt", "left", settings, folder / "predictor.pt", folder / "board"
    train_predictor(folder, *files, people=("ann", "bob"))
    content = torch.load(folder / "predictor.pt", weights_only=True)
    content["state_dict"]["people.weight"] *= 100  # as far apart as a longer training makes them
    torch.save(content, folder / "predictor.pt")
    return folder


def test_each_window_is_sampled_as_its_own_person(both, tmp_path):
    settings = tiny_patches(sampling={"samples": 1, "past": "none"})
    sample(both, both / "codebook.pt", both / "predictor.pt", "left", settings, tmp_path / "samples.npz")
    models, data = (
        load_models(both / "codebook.pt", both / "predictor.pt"),
        load_chunks(both, "test", "left"),
    )
    with np.load(tmp_path / "samples.npz") as file:
        samples = file["samples"][0]
    faces, sound = np.asarray(data.speaker[..., :56]), frame_sound(data.audio, models.power)
    for row, person in ((0, 0), (len(data) - 1, 1)):
        one = faces[row : row + 1], sound[row : row + 1], [(0, 0, row)]
        alike, other = (sample_sequences(models, *one, who=[who]).motion[0] for who in (person, 1 - person))
        np.testing.assert_allclose(samples[row], alike, atol=1e-5)
        assert not np.allclose(samples[row], other, atol=1e-3)


def test_a_listener_of_several_people_must_be_named(both, speakers, tmp_path):
    for wrong in (None, "eve"):
        with pytest.raises(UserError, match="say who listens: ann, bob"):
            l2l.Listener.load(both, person=wrong)
    ann, bob = (live(l2l.Listener.load(both, person=name), speakers[0][0], speakers[1][0]) for name in ("ann", "bob"))
    assert not np.allclose(ann, bob)
    with pytest.raises(UserError, match="--listener left"):
        listen(tmp_path / "talk.mp4", both, tmp_path / "out.mp4", tiny_patches(), "ann")
