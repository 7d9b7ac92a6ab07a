"""TensorFlow's checkpoints are read bit for bit; what is damaged, hostile or another network's is refused by name."""

import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from l2l.errors import UserError
from l2l.weights.tf_checkpoint import TFCheckpoint
from tests.weights.tf_writer import Place, write_blocks, write_checkpoint, write_index, write_table

REFERENCE = Path(__file__).resolve().parents[1] / "data" / "multisensory"
INDEX, DATA = "net.tf-7.index", "net.tf-7.data-00000-of-00001"


@pytest.fixture
def written(tmp_path):
    """A copy of a checkpoint that TensorFlow wrote."""
    for name in (INDEX, DATA):
        shutil.copy(REFERENCE / name, tmp_path / name)
    return tmp_path


@pytest.fixture(scope="module")
def values():
    with np.load(REFERENCE / "net.tf-7.npz") as file:
        return {name.replace("|", "/"): file[name] for name in file.files}


def read(folder: Path, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return TFCheckpoint(folder / INDEX).read({name: value.shape for name, value in values.items()})


def test_what_tensorflow_wrote_is_read_bit_for_bit(written, values):
    assert set(TFCheckpoint(written / INDEX).variables) == set(values)
    for name, found in read(written, values).items():
        assert (found.dtype, found.shape) == (values[name].dtype, values[name].shape)
        assert found.tobytes() == values[name].tobytes()


def test_what_the_tests_write_is_read_back(tmp_path):
    arrays = {"a": np.arange(6, dtype=np.float64).reshape(2, 3), "b/c": np.zeros((0, 4), np.float32)}
    found = TFCheckpoint(write_checkpoint(tmp_path / "net", arrays)).read({"a": (2, 3), "b/c": (0, 4)})
    np.testing.assert_array_equal(found["a"], arrays["a"])
    assert found["b/c"].shape == (0, 4)


def test_another_network_s_file_is_refused_by_the_variable_that_does_not_fit(written):
    checkpoint = TFCheckpoint(written / INDEX)
    with pytest.raises(UserError, match=r"net\.tf-7\.index: the variable 'gen/conv9/weights' is missing"):
        checkpoint.read({"gen/conv9/weights": (4, 4)})
    with pytest.raises(UserError, match=r"'gen/conv1/weights' has shape \(4, 4, 2, 3\), \(4, 4, 2, 64\) is needed"):
        checkpoint.read({"gen/conv1/weights": (4, 4, 2, 64)})


@pytest.mark.parametrize("name", [INDEX, DATA])
def test_both_files_are_needed(written, values, name):
    (written / name).unlink()
    with pytest.raises(UserError, match=f"{name} is missing"):
        read(written, values)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", [INDEX, DATA])
def test_a_file_that_is_cut_off_is_refused(written, values, name, share):
    content = (written / name).read_bytes()
    (written / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match=f"{name} is cut off"):
        read(written, values)


def test_a_changed_byte_in_the_data_is_noticed_and_its_variable_named(written, values):
    content = bytearray((written / DATA).read_bytes())
    content[TFCheckpoint(written / INDEX).variables["sf/conv1_1/weights"].offset + 5] ^= 1
    (written / DATA).write_bytes(content)
    with pytest.raises(UserError, match="checksum of the variable 'sf/conv1_1/weights' is wrong"):
        read(written, values)


def test_a_changed_byte_in_the_index_is_noticed(written, values):
    content = (written / INDEX).read_bytes()
    for place in range(0, len(content) - 48, 41):
        (written / INDEX).write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            read(written, values)
        except UserError as error:
            assert INDEX in str(error)
        else:  # the block about blocks is not read
            assert place > len(content) - 160


def test_nonsense_with_right_checksums_is_refused_and_takes_no_memory(tmp_path):
    array = np.arange(4, dtype=np.float32)
    index = write_checkpoint(tmp_path / "net", {"a/weights": array, "b/weights": array})
    place = index.read_bytes().index(b"~")
    block = index.read_bytes()[: place - 8]
    rng = np.random.default_rng(0)
    read_anyway = 0
    for _ in range(150):
        changed = bytearray(block)
        for at in rng.integers(len(block), size=3):
            changed[at] = rng.integers(256)
        write_blocks(index, bytes(changed))
        try:
            found = TFCheckpoint(index).read({"a/weights": (4,)})
        except UserError:
            continue
        assert found["a/weights"].shape == (4,)
        read_anyway += 1
    assert 0 < read_anyway < 100


def test_a_size_beyond_the_file_is_not_believed(tmp_path):
    write_checkpoint(tmp_path / "net", {"a": np.zeros(4, np.float32)})
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (1 << 20,), (0,))
    index = write_index(tmp_path / "net", {"a": Place(huge, 1 << 60)})
    with pytest.raises(UserError, match="is cut off: the variable 'a' ends at byte"):
        TFCheckpoint(index).read({"a": (1 << 20,)})


def test_a_variable_that_is_not_of_numbers_is_refused(tmp_path):
    index = write_checkpoint(tmp_path / "net", {"a": np.zeros(4, np.float32)})
    described = TFCheckpoint(index).variables["a"]
    text = b"\x08\x07" + b"\x12\x04\x12\x02\x08\x04" + b"\x28" + bytes([described.size])  # type 7 is text
    write_table(index, [(b"", b"\x08\x01"), (b"a", text)])
    with pytest.raises(UserError, match="'a' is not stored as numbers"):
        TFCheckpoint(index).read({"a": (4,)})


@pytest.mark.parametrize(
    ("header", "kind", "words"),
    [(b"\x08\x02", 0, "its data is in 2 files"), (b"\x08\x01", 1, "a block is compressed")],
    ids=["shards", "compressed"],
)
def test_what_tensorflow_can_write_but_this_model_s_authors_did_not_is_refused(tmp_path, header, kind, words):
    index = write_checkpoint(tmp_path / "net", {"a": np.zeros(4, np.float32)})
    write_table(index, [(b"", header)], kind)
    with pytest.raises(UserError, match=words):
        TFCheckpoint(index)


def test_a_pickle_under_the_name_of_an_index_is_not_opened_as_one(written):
    class Canary:
        def __reduce__(self):
            return open, (str(written / "canary"), "w")

    for content in (pickle.dumps(Canary()), pickle.dumps(Canary()) + struct.pack("<40xQ", 0xDB4775248B80FB57)):
        (written / INDEX).write_bytes(content)
        with pytest.raises(UserError, match="not the index of a TensorFlow checkpoint"):
            TFCheckpoint(written / INDEX)
    assert not (written / "canary").exists()
