"""The BatchNorm of several processes: that of torch on the whole batch."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from l2l.training.batchnorm import GlobalBatchNorm, make_global


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", world_size=1, rank=0)
    yield
    dist.destroy_process_group()


def test_its_numbers_and_gradients_are_those_of_torch(group: None) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.BatchNorm1d(3)).double()
    nn.init.normal_(plain[0].weight)
    ours = nn.Sequential(nn.BatchNorm1d(3)).double()
    ours.load_state_dict(plain.state_dict())
    parameters = list(ours.parameters())
    make_global(ours)
    assert type(ours[0]) is GlobalBatchNorm and all(a is b for a, b in zip(ours.parameters(), parameters, strict=True))
    for training in (True, True, False):
        x = 5 + 2 * torch.randn(4, 3, 7, dtype=torch.float64)
        outputs = []
        for model in (plain, ours):
            model.train(training).zero_grad()
            given = x.clone().requires_grad_()
            result = model(given)
            (result**3).sum().backward()
            outputs.append([result, given.grad, *(p.grad for p in model.parameters()), *model.state_dict().values()])
        for want, found in zip(*outputs, strict=True):
            torch.testing.assert_close(found, want)
