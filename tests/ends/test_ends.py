"""A few early ends of a few steps; `python -m tests.ends` does all of them."""

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from l2l.cli import main as cli
from tests.ends.full import can_mount, fill, small_disk
from tests.ends.kills import kill, moments
from tests.ends.steps import OTHERS, STEPS, Step, write_arrays
from tests.ends.trial import Bench, Prepared
from tests.media import noise_video


def sounds(work: Path) -> None:
    (work / "one").mkdir()
    for side in ("left", "right"):
        noise = 0.1 * np.random.default_rng(0).normal(size=48000)
        soundfile.write(work / f"one/speech_{side}.wav", noise, 16000)


TRIED = {
    "sound": Step("mel one", make=sounds),
    "ffmpeg": Step("normalise in.mp4 --out two", make=lambda work: noise_video(work / "in.mp4", 0.5)),
    "arrays": Step(STEPS["chunk-arrays"].words, make=write_arrays),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("ends"))
    bench.work.mkdir()
    if not can_mount():
        yield bench
        return
    with small_disk(bench.work):
        yield bench


def test_every_command_that_writes_is_on_trial() -> None:
    tried = {step.words.split()[0] for step in STEPS.values()}
    assert tried | OTHERS == {name for name in cli.app if not name.startswith("-")}
    assert not tried & OTHERS


@pytest.mark.parametrize("name", TRIED)
def test_a_step_that_is_ended_leaves_nothing_half_done(bench: Bench, name: str) -> None:
    prepared, random = Prepared(bench, TRIED[name]), np.random.default_rng(0)
    found = list(prepared.clean_again())
    for kind in (signal.SIGKILL, signal.SIGTERM):
        for number, end in enumerate(moments(prepared, kind, 3, random, timed=False)):
            found += [f"{end}: {fault}" for fault in kill(prepared, end, previous=bool(number % 2))]
    for number, free in enumerate(map(int, random.integers(0, prepared.need, 2))):
        found += [f"{free} bytes: {fault}" for fault in fill(prepared, free, previous=bool(number % 2))]
    assert not found, "\n".join(found)


def test_what_is_wrong_is_seen(bench: Bench) -> None:
    """Other bytes under a final name, and an output that is gone; what has the name of a temporary file is none."""
    prepared = Prepared(bench, Step("recordings videos --person a --out a.tsv", make=_videos))
    (bench.work / "a.tsv").write_text("half")
    (bench.work / ".a.host-1-01234567.partial.tsv").touch()
    (bench.work / "junk").touch()
    assert sorted(prepared.left(previous=False)) == ["a.tsv has other bytes", "junk is left"]
    prepared.reset("before")
    assert list(prepared.left(previous=False)) == [] and not (bench.work / "junk").exists()
    assert list(prepared.left(previous=True)) == ["a.tsv, made before, is gone"]
    prepared.reset("after")
    assert list(prepared.left(previous=True)) == []


def _videos(work: Path) -> None:
    (work / "videos").mkdir()
    for name in ("a", "b"):
        noise_video(work / f"videos/{name}.mp4", 0.2)
