"""Draws of torch's global generators: repeatable, each process's own, and no other GPU is touched."""

from typing import Any

import pytest
import torch

from l2l.training.seeding import draw_seed, seeded

CPU = torch.device("cpu")


def drawn(part: slice) -> list[float]:
    with seeded(draw_seed(torch.Generator().manual_seed(5), part), CPU):
        return torch.randn(4).tolist()


def test_a_call_draws_the_same_again_and_leaves_the_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    assert drawn(slice(None)) == drawn(slice(None))
    assert torch.equal(torch.get_rng_state(), before)


def test_each_part_of_a_batch_draws_numbers_of_its_own_and_the_first_those_of_one_process() -> None:
    assert drawn(slice(0, 8)) == drawn(slice(None)) != drawn(slice(8, 15))


def test_only_the_device_in_use_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    forked: list[Any] = []
    fork = torch.random.fork_rng

    def remembering(devices: Any = None) -> Any:
        forked.append(devices)
        return fork(devices=[])

    monkeypatch.setattr(torch.random, "fork_rng", remembering)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("all GPUs were seeded"))
    drawn(slice(None))
    assert forked == [[]]
