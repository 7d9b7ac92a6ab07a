"""The codebook of patches: any length, causal, the same patch by patch."""

import pytest
import torch

from l2l.patches.codebook import Codebook
from tests.tiny import tiny_patches


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = Codebook(tiny_patches().codebook)
    model.train()
    model(torch.randn(32, 64, 56))  # k-means begins here
    return model.eval().requires_grad_(False)


def test_motion_of_any_length_becomes_six_codes_a_patch_and_back(model):
    for patches in (1, 2, 13, 60):
        codes = model.encode(torch.randn(2, 8 * patches, 56))
        assert codes.shape == (2, patches, 6)
        assert model.decode(codes).shape == (2, 8 * patches, 56)


def test_encoding_is_what_the_library_does(model):
    motion = torch.randn(4, 80, 56)
    pose = model.pose.quantizer(model.pose.encoder(motion[..., 50:]))[1]
    expression = model.expression.quantizer(model.expression.encoder(motion[..., :50]))[1]
    assert torch.equal(model.encode(motion), torch.cat([pose, expression], dim=-1))


def test_codes_depend_on_the_past_only(model):
    motion = torch.randn(1, 80, 56)
    changed = motion.clone()
    changed[:, 48:] += 1
    assert torch.equal(model.encode(motion)[:, :6], model.encode(changed)[:, :6])


def test_motion_waits_for_one_patch_only(model):
    codes = torch.randint(0, 16, (1, 12, 6))
    changed = codes.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 16
    first, second = model.decode(codes), model.decode(changed)
    torch.testing.assert_close(first[:, : 8 * 6], second[:, : 8 * 6])  # the patch before the change looks ahead
    assert not torch.equal(first[:, 8 * 6 : 8 * 7], second[:, 8 * 6 : 8 * 7])


def test_patch_by_patch_is_the_same_one_patch_later(model):
    codes = torch.randint(0, 16, (3, 30, 6))
    stream = model.stream(3)
    parts = [stream.step(model, codes[:, t]) for t in range(30)]
    streamed = torch.cat([*parts[1:], stream.flush()], dim=1)
    torch.testing.assert_close(streamed, model.decode(codes), atol=1e-5, rtol=0)


def test_a_pose_code_moves_no_expression(model):
    codes = torch.randint(0, 16, (1, 10, 6))
    changed = codes.clone()
    changed[..., 0] = (changed[..., 0] + 1) % 16
    torch.testing.assert_close(model.decode(codes)[..., :50], model.decode(changed)[..., :50])
    assert not torch.equal(model.decode(codes)[..., 50:], model.decode(changed)[..., 50:])
