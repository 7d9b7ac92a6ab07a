from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from l2l.architectures import sample, train_codebook, train_predictor
from l2l.dataset.conversations import (
    Both,
    Person,
    Source,
    Stretch,
    load_conversations,
    new_conversations,
    write_conversations,
)
from l2l.dataset.layout import Chunks, first_frames, load_chunks
from l2l.errors import UserError
from l2l.evaluation.baselines import speakers
from l2l.evaluation.shifts import shifts_of
from l2l.patches import asked, likelihood
from l2l.patches.asked import Model
from l2l.patches.checkpoint import Models, load_models
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, with_a_branch


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_chunks(tmp_path_factory.mktemp("person"), windows=4, videos=3)
    write_chunks(folder, windows=3, videos=2, split="test")
    train_codebook(folder, "left", tiny_patches(8), folder / "codebook.pt", folder / "log")
    train_predictor(folder, folder / "codebook.pt", "left", tiny_patches(8), folder / "predictor.pt", folder / "log")
    with_a_branch(folder / "predictor.pt")
    return folder


@pytest.fixture
def test(person: Path) -> Chunks:
    return load_chunks(person, "test", "left")


@pytest.fixture
def models(person: Path) -> Models:
    return load_models(person / "codebook.pt", person / "predictor.pt")


def answers(model: Model, test: Chunks, order: np.ndarray | None = None) -> np.ndarray:
    """(S, N, T, 56), with the windows' own speakers or those of others."""
    who = np.arange(len(test)) if order is None else order
    return np.concatenate(list(model.samples(lambda rows: speakers(test, who[rows]))), 1)


@pytest.mark.parametrize(("past", "first"), [("real", 32), ("none", 0)])
def test_asked_with_the_true_speaker_it_draws_what_sample_draws(
    person: Path, test: Chunks, models: Models, past: str, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_patches(seed=3, sampling={"samples": 2, "past": past, "temperature": 1, "top_p": 1})
    sample(person, person / "codebook.pt", person / "predictor.pt", "left", settings, tmp_path / "s.npz")
    model = Model(models, test, settings)
    drawn = np.load(tmp_path / "s.npz")["samples"][:, :, first:]
    np.testing.assert_array_equal(answers(model, test), drawn)
    monkeypatch.setattr(asked, "_AT_ONCE", 4)
    np.testing.assert_array_equal(answers(model, test), drawn)
    assert not np.array_equal(answers(model, test, np.roll(np.arange(len(test)), 1)), drawn)


class Whole:
    """A recording of a test set, put together from its windows."""

    def __init__(self, test: Chunks, models: Models, video: str) -> None:
        rows = test.videos == video
        frames = test.files[rows, :, 2].astype(int)  # (n, 64)
        listener, speaker, audio = (np.empty((frames.max() + 1, size), np.float32) for size in (56, 56, 512))
        listener[frames], speaker[frames] = test.listener[rows, :, :56], test.speaker[rows, :, :56]
        audio[frames] = test.audio[rows].reshape(*frames.shape, 512)
        self.motion, self.speaker = torch.from_numpy(models.listener.apply(listener)), speaker
        self.sound = np.log(audio.reshape(-1, 4, 128) + 1e-4).mean(1)
        own, floor = np.zeros(len(listener), bool), np.ones(len(listener), bool)
        mel = audio.reshape(-1, 128)
        people: Both = {"left": Person(listener, np.ones_like(mel), own), "right": Person(speaker, mel, floor)}
        self.source = Source([Stretch(video, 0, len(listener))], lambda: people)


def by_hand(models: Models, mine: Whole, now: int, other: Whole, moment: int) -> np.ndarray:
    """(8,) nats of the patches from frame `now` on, heard as if it were frame `moment` of a speaker."""
    codes = models.codebook.encode(mine.motion[None, now % 8 : now + 64])
    before = F.pad(codes[:, :-1], (0, 0, 1, 0), value=models.predictor.unknown)
    features = models.features(other.speaker[None, : moment + 64], other.sound[None, : moment + 64])
    heard = models.predictor.branch(torch.from_numpy(features[:, moment % 8 :]))[:, -8:]
    logits = models.predictor.conditioned(models.predictor.unconditional(before, codes)[:, -8:], heard)
    return -logits.log_softmax(-1).gather(-1, codes[:, -8:, :, None])[0, ..., 0].sum(-1).numpy()


@pytest.mark.parametrize("stride", [20, 32])
@pytest.mark.parametrize(("past", "first"), [("real", 4), ("none", 0)])
def test_the_error_is_that_of_who_was_there_from_the_start_also_with_another_moment(
    models: Models, past: str, first: int, stride: int, tmp_path: Path
) -> None:
    test = load_chunks(write_chunks(tmp_path, windows=4, videos=2, split="test", stride=stride), "test", "left")
    model = Model(models, test, tiny_patches(sampling={"past": past}))
    whole = {name: Whole(test, models, name) for name in test.videos}
    line = shifts_of(test, tiny_patches(evaluation={"shifts": 1})).timeline
    for begins in (4 * [0, 60], [0, 1, 2, 3, 4, 5, 6, 7], [len(line.frame) - 64] * 8):  # any frame, of any recording
        names, frames = np.unique(test.videos)[line.owner[begins]], line.frame[begins]
        expected = [
            by_hand(models, whole[mine], now, whole[other], moment)[first:].sum()
            for mine, now, other, moment in zip(test.videos, first_frames(test.files), names, frames, strict=True)
        ]
        np.testing.assert_allclose(model.errors(line.speaker(np.array(begins))), expected, rtol=1e-5)


def test_what_came_before_a_window_is_known_and_what_is_unknown_is_not_made_up(test: Chunks, models: Models) -> None:
    """Without the windows before it, a window has another error; apart from it, they change nothing."""
    alone, last = (Chunks(*(part[rows] for part in vars(test).values())) for rows in (slice(2, 3), slice(1, 3)))
    errors = [Model(models, some, tiny_patches()).errors(speakers(some))[-1] for some in (alone, last)]
    assert errors[0] != errors[1] != Model(models, test, tiny_patches()).errors(speakers(test))[2]
    apart = Chunks(last.listener, last.speaker, last.audio, np.array(last.files))
    apart.files[0, :, 0] = "another"
    np.testing.assert_allclose(Model(models, apart, tiny_patches()).errors(speakers(apart))[-1], errors[0], rtol=1e-5)


def test_of_whole_conversations_all_is_known_also_what_is_in_no_window(
    test: Chunks, models: Models, tmp_path: Path
) -> None:
    with new_conversations(tmp_path, "test") as paths:
        write_conversations(paths["test"], [Whole(test, models, name).source for name in np.unique(test.videos)])
    conversations = load_conversations(tmp_path, "test", "left")
    expected = Model(models, test, tiny_patches()).errors(speakers(test))
    last = Chunks(*(part[[2, 5]] for part in vars(test).values()))
    model = Model(models, last, tiny_patches(), conversations)
    assert model.context == "conversation" and Model(models, last, tiny_patches()).context == "sequence"
    np.testing.assert_allclose(model.errors(speakers(last)), expected[[2, 5]], rtol=1e-5)
    assert (Model(models, last, tiny_patches()).errors(speakers(last)) != expected[[2, 5]]).all()
    other = Chunks(last.listener, last.speaker, last.audio, np.array(last.files))
    other.files[1, :, 0] = "other"
    with pytest.raises(UserError, match="do not hold the window at frame 64 of the recording 'other'; make the chunks"):
        Model(models, other, tiny_patches(), conversations)


def test_the_likelihood_of_a_long_sequence_is_made_in_parts(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = torch.randint(0, 16, (2, 100, 6), generator=torch.Generator().manual_seed(0))
    whole = likelihood.unconditional(models.predictor, codes)
    monkeypatch.setattr(likelihood, "AT_ONCE", 7)
    torch.testing.assert_close(likelihood.unconditional(models.predictor, codes), whole, atol=1e-5, rtol=0)


def test_the_error_without_a_speaker_is_that_of_a_branch_that_says_nothing(test: Chunks, models: Models) -> None:
    model = Model(models, test, tiny_patches())
    without = model.errors_without()
    assert without.shape == (len(test),) and (without != model.errors(speakers(test))).any()
    for name, weight in models.predictor.named_parameters():
        if name.startswith("branch.aims"):
            weight.detach().zero_()
    np.testing.assert_allclose(model.errors(speakers(test)), without, rtol=1e-5)


def test_calibration_changes_what_is_drawn_and_no_likelihood(test: Chunks, models: Models) -> None:
    model = Model(models, test, tiny_patches(sampling={"samples": 1}))
    errors, drawn = model.errors(speakers(test)), answers(model, test)
    for name, buffer in models.predictor.named_buffers():
        if name in ("bias", "strength"):
            buffer.copy_(torch.linspace(0.5, 3, buffer.numel()).reshape(buffer.shape))
    np.testing.assert_array_equal(model.errors(speakers(test)), errors)
    assert not np.array_equal(answers(model, test), drawn)


def test_another_speaker_changes_the_error_of_its_windows_only(test: Chunks, models: Models) -> None:
    model = Model(models, test, tiny_patches())
    order = np.arange(len(test))
    order[0] = 5
    changed = model.errors(speakers(test)) != model.errors(speakers(test, order))
    assert changed.tolist() == [True] + [False] * 5


def test_random_codes_follow_the_real_past(test: Chunks, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(models, test, tiny_patches())
    found = np.concatenate(list(model.random_codes(3)), 1)
    assert found.shape == (3, len(test), 32, 56) and np.isfinite(found).all()
    assert found.std(0).max() > 0
    monkeypatch.setattr(asked, "_AT_ONCE", 4)
    np.testing.assert_array_equal(found, np.concatenate(list(model.random_codes(3)), 1))


def test_the_past_leads_into_the_first_future_frame_without_a_jump(
    person: Path, test: Chunks, models: Models, tmp_path: Path
) -> None:
    """A codebook this small is far off everywhere; the first frame follows the true past all the same."""
    settings = tiny_patches(seed=3, sampling={"samples": 2})
    sample(person, person / "codebook.pt", person / "predictor.pt", "left", settings, tmp_path / "s.npz")
    found = np.load(tmp_path / "s.npz")
    past = np.array(test.listener[:, :32, :56])
    np.testing.assert_array_equal(found["samples"][0, :, :32], past)
    plain = models.listener.undo(models.codebook.decode(torch.from_numpy(found["codes"][0])).numpy())
    step, plain_step = (np.abs(x[:, 32] - past[:, 31]).mean() for x in (found["samples"][0], plain))
    assert step < plain_step / 2
    np.testing.assert_allclose(found["samples"][0, :, 40:], plain[:, 40:], atol=1e-5)
