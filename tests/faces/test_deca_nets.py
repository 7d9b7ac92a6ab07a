"""DECA's networks give what the original gives for the same weights, and take only their own file."""

import pytest
import torch

from l2l.errors import UserError
from l2l.faces.deca_nets import EXPRESSION, POSE, SHAPE, Deca
from tests.faces.reference import close, reference
from tests.faces.seeded_deca import DIGESTS, networks, write_checkpoint
from tests.released.seeded_weights import digest


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "deca_model.tar"
    write_checkpoint(path)
    return path


@pytest.fixture(scope="module")
def outputs(checkpoint):
    pictures = reference("encode")["images_lowres"].repeat(14, 1).repeat(14, 2)  # (3, 224, 224, 3)
    crops = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255
    return Deca(checkpoint)(crops)


def test_the_seeded_weights_are_those_of_the_reference():
    assert {name: digest(net) for name, net in networks().items()} == DIGESTS


def test_parameters_are_those_of_the_original(outputs):
    close(outputs[0], reference("encode")["params"])


def test_detail_is_that_of_the_original(outputs):
    close(outputs[1], reference("encode")["detail"])


@pytest.mark.parametrize("columns, name", [(SHAPE, "shape"), (EXPRESSION, "exp"), (POSE, "pose")])
def test_parameters_stand_where_the_original_has_them(columns, name):
    wanted = reference("encode")
    assert (wanted["params"][:, columns] == wanted[f"code_{name}"]).all()


def change(path, target, **parts):
    whole = torch.load(path, weights_only=True)
    for name, value in parts.items():
        whole[name] = value(dict(whole[name]))
    torch.save(whole, target)
    return target


def without(*names):
    return lambda state: {key: value for key, value in state.items() if key.rsplit(".", 1)[-1] not in names}


def test_a_file_without_counters_of_batches_is_taken(checkpoint, tmp_path, outputs):
    old = change(checkpoint, tmp_path / "old.tar", E_flame=without("num_batches_tracked"))
    assert torch.equal(Deca(old, detail=False).E_flame.layers[2].bias, Deca(checkpoint).E_flame.layers[2].bias)


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"E_flame": without("running_var")}, r"the weight 'encoder.bn1.running_var' of Encoder is missing"),
        ({"E_detail": lambda state: state | {"layers.2.bias": torch.zeros(7)}}, r"'layers.2.bias' has shape \(7,\)"),
        ({"E_flame": lambda state: state | {"head.bias": torch.zeros(7)}}, r"has no weight 'head.bias'"),
    ],
    ids=["missing", "misshapen", "unknown"],
)
def test_what_does_not_fit_is_refused_by_name(checkpoint, tmp_path, parts, message):
    with pytest.raises(UserError, match=message):
        Deca(change(checkpoint, tmp_path / "bad.tar", **parts))


def test_another_network_s_file_is_refused(tmp_path):
    torch.save({"model": {}}, tmp_path / "other.tar")
    with pytest.raises(UserError, match=r"other\.tar: 'E_flame' is missing"):
        Deca(tmp_path / "other.tar")


def test_a_file_that_was_cut_off_is_refused(checkpoint, tmp_path):
    with open(checkpoint, "rb") as file:
        (tmp_path / "cut.tar").write_bytes(file.read(1_000_000))
    with pytest.raises(UserError, match=r"cut\.tar is cut off"):
        Deca(tmp_path / "cut.tar")


def test_without_detail_its_columns_are_zeros_and_its_encoder_is_not_there(checkpoint):
    deca = Deca(checkpoint, detail=False)
    assert deca.E_detail is None
    assert not deca(torch.zeros(1, 3, 224, 224))[1].any()
