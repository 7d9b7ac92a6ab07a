"""Training on whole conversations: own turns are what came before, and are neither learned nor drawn."""

from pathlib import Path

import numpy as np
import pytest
import torch

from l2l.architectures import train_codebook, train_predictor
from l2l.dataset.conversations import (
    Person,
    Source,
    Stretch,
    conversation_files,
    load_conversations,
    new_conversations,
    write_conversations,
)
from l2l.dataset.layout import load_chunks
from l2l.dataset.together import gather
from l2l.features.sequences import chain, joined
from l2l.patches.calibration import calibrate, drawn, frequencies
from l2l.patches.checkpoint import load_codebook
from l2l.patches.crops import Crop, Material
from l2l.patches.length import minutes_of
from l2l.patches.strength import choose_strength
from l2l.patches.train_branch import Known, fitted_temperatures, loss, speakers
from l2l.patches.train_predictor import PredictorTask, prepare_predictor
from l2l.training import resume
from tests.losses import loss_of
from tests.synthetic import write_chunks
from tests.tiny import tiny_patches, untrained_codebook

OWN = slice(160, 240)  # frames of an own turn in each recording, of 416


def write(folder: Path, own: slice = OWN) -> Path:
    """Recordings of windows, and whole; in frames `own` the listener has the floor, later nobody."""
    write_chunks(folder, windows=12, videos=4)
    windows = load_chunks(folder, "train", "left")
    sequences = joined(windows, chain(windows, np.arange(len(windows))))
    sources = []
    for n, video in enumerate(sequences.videos.tolist()):
        frames = sequences.of(n)
        floor = np.zeros((416, 2), bool)
        floor[own, 0], floor[: own.start, 1] = True, True
        faces, sound = sequences.heard(n, power=False)
        sound = np.repeat(sound, 4, axis=0)
        people = [(sequences.listener[frames], np.ones_like(sound)), (faces, sound)]
        both = [Person(faces, mel, floor[:, k]) for k, (faces, mel) in enumerate(people)]
        sources.append(Source([Stretch(video, 0, 416)], lambda both=both: {"left": both[0], "right": both[1]}))
    with new_conversations(folder, "train") as paths:
        write_conversations(paths["train"], sources)
    return folder


def settings():
    return tiny_patches(12, predictor={"calibration_rounds": 1, "strength": 1.0, "branch": {"steps": 8}})


@pytest.fixture(scope="module")
def person(tmp_path_factory) -> Path:
    folder = write(tmp_path_factory.mktemp("person"))
    train_codebook(folder, "left", settings(), folder / "codebook.pt", folder / "board")
    return folder


def prepared(folder: Path, person: Path):
    data, whole = load_chunks(folder, "train", "left"), load_conversations(folder, "train", "left")
    _, standardizer, _ = load_codebook(person / "codebook.pt")
    return prepare_predictor(data, untrained_codebook(), standardizer, settings(), (), whole)


@pytest.fixture
def task(person: Path) -> PredictorTask:
    return prepared(person, person).task


def changed(task: PredictorTask, patches: slice) -> PredictorTask:
    """The same with other codes in these patches, of each sequence and phase."""
    old, codes = task.material, task.material.codes.clone()
    for first in old.firsts:
        codes[:, first + patches.start : first + patches.stop] += 1
    material = Material(old.sequences, codes % 16, old.features, None, len(old.train))
    return PredictorTask(task.model, material, task.sizes)


def test_patches_of_own_turns_do_not_count(task: PredictorTask) -> None:
    material = task.material
    assert material.sequences.lengths.tolist() == [416] * 4
    for first in material.firsts:
        counted = material.counted[:, first : first + 52]
        assert (~counted[0]).nonzero()[0].tolist() == list(range(20, 30))
        assert (~counted[3]).nonzero()[0].tolist() == [*range(20, 30), 51]  # patch 51 would reach beyond the end
        assert (~counted[4]).nonzero()[0].tolist() == [*range(19, 30), 51]  # half of 19 and of 29 is own
    assert minutes_of(material.sequences, 2) == pytest.approx(2 * (416 - 80) / 30 / 60)


def test_crops_that_tile_the_sequences_have_patches_that_count(tmp_path: Path, person: Path) -> None:
    task = prepared(write(tmp_path, slice(80, 400)), person).task
    assert task.tiles.tolist() == [[n, first] for n in task.material.train for first in (0, 48)]
    for seed in range(5):
        batch = task.batch(np.arange(len(task.tiles)), torch.Generator().manual_seed(seed))
        assert batch.tensors[3].any(1).all()  # though they lie between, too
    crops, folds = speakers(task.material, task.material.train)
    assert crops.counted.any(1).all() and len(folds) == len(crops.codes)


def test_what_happens_in_own_turns_is_not_learned(tmp_path: Path, person: Path) -> None:
    """Own turns at the end, so that nothing follows them: there other codes change nothing."""
    task = prepared(write(tmp_path, slice(320, 416)), person).task
    other, before = changed(task, slice(40, 52)), changed(task, slice(30, 40))
    rows = np.arange(len(task.tiles))

    @torch.no_grad()
    def losses(of: PredictorTask) -> list[float]:
        of.model.eval()
        found = [float(loss_of(of, rows, seed)) for seed in (1, 2)]
        known = Known.of(of.model, Known.cut(of.material, of.material.held, 2))
        crops = known.crops
        return [
            *found,
            of.validate()["loss"],
            loss(of.model, known, None),
            *fitted_temperatures(known).tolist(),
            *frequencies(crops.codes, crops.counted, 16).flatten().tolist(),
        ]

    assert losses(other) == losses(task)
    assert losses(before)[:4] != losses(task)[:4]


@torch.no_grad()
def test_own_turns_are_what_came_before(task: PredictorTask) -> None:
    other = changed(task, slice(20, 30))
    task.model.eval()
    assert other.validate()["loss"] != task.validate()["loss"]


def test_listeners_are_drawn_from_their_own_turns_on(task: PredictorTask) -> None:
    model, crops = task.model.eval(), speakers(task.material, task.material.train)[0]
    codes = drawn(model, crops, np.random.default_rng(0))
    own = ~crops.counted
    assert torch.equal(codes[own], crops.codes[own]) and own.any()
    assert not torch.equal(codes[crops.counted], crops.codes[crops.counted])
    other = crops._replace(codes=torch.where(own[..., None], (crops.codes + 1) % 16, crops.codes))
    again = drawn(model, other, np.random.default_rng(0))
    assert torch.equal(again[:, :20], codes[:, :20]) and not torch.equal(again[:, 30:], codes[:, 30:])


def test_drawing_is_put_right_by_what_counts_alone(task: PredictorTask) -> None:
    """What is drawn or true in own turns at the end changes neither frequencies nor strength."""
    model, codebook = task.model.eval(), untrained_codebook()
    crops = speakers(task.material, task.material.train)[0]
    short = Crop(crops.codes[:, :25], crops.features[:, :200], crops.counted[:, :25], None)
    codes = short.codes.clone()
    codes[:, 22:] = (codes[:, 22:] + 1) % 16  # the patch after the last counted one still moves its motion
    other = short._replace(codes=codes)
    found = []
    for each in (short, other):
        calibrate(model, lambda _, crops=each: crops, each, 2, 0)
        found.append((model.bias.clone(), choose_strength(model, codebook, each, np.arange(len(codes)) % 2, 0)))
    assert torch.equal(found[0][0], found[1][0]) and found[0][1] == found[1][1]


def test_a_run_is_another_one_with_other_conversations(tmp_path: Path, person: Path) -> None:
    def identity(folder: Path) -> str:
        run = prepared(folder, person)
        return resume.identity(0, run.content, run.data, run.rows, run.standardizers, run.task.model)

    mine, other = identity(write(tmp_path / "a")), identity(write(tmp_path / "b", slice(160, 248)))
    assert identity(write(tmp_path / "c")) == mine != other
    for file in conversation_files(tmp_path / "c", "train"):
        file.unlink()
    assert identity(tmp_path / "c") not in (mine, other)


def test_a_predictor_is_trained_with_them_and_without(person: Path, tmp_path: Path) -> None:
    folders = {"with": person, "without": write_chunks(tmp_path / "windows", windows=12, videos=4)}
    weights = {}
    for name, folder in folders.items():
        out = tmp_path / f"{name}.pt"
        train_predictor(folder, person / "codebook.pt", "left", settings(), out, tmp_path / "board")
        weights[name] = torch.load(out, weights_only=True)["state_dict"]["head.logits.0.weight"]
    assert not torch.equal(*weights.values())


def test_of_several_people_each_stretch_is_its_own_persons(person: Path, tmp_path: Path) -> None:
    for name, own in (("ann", OWN), ("bob", slice(80, 400))):
        write_chunks(write(tmp_path / name, own), windows=2, videos=1, split="test")
    gather({name: (tmp_path / name, "left") for name in ("ann", "bob")}, tmp_path)
    data, known = load_chunks(tmp_path, "train", "left"), load_conversations(tmp_path, "train", "left")
    _, standardizer, _ = load_codebook(person / "codebook.pt")
    run = prepare_predictor(data, untrained_codebook(), standardizer, settings(), ("ann", "bob"), known)
    material = run.task.material
    assert material.who is not None and material.sequences.lengths.tolist() == [416] * 8
    is_bob = [video.startswith("bob/") for video in material.sequences.videos.tolist()]
    assert material.who.tolist() == [int(bob) for bob in is_bob] and sum(is_bob) == 4
    for n, bob in enumerate(is_bob):
        counted = material.sequences.counted[material.sequences.of(n)]
        assert counted.sum() == 416 - (320 if bob else 80), "own turns are nobody else's"
    out = tmp_path / "predictor.pt"
    train_predictor(tmp_path, person / "codebook.pt", "left", settings(), out, tmp_path / "board", ("ann", "bob"))
    assert torch.load(out, weights_only=True)["people"] == ["ann", "bob"]
