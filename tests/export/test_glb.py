"""GLB files: read back by pygltflib, and checked against what glTF 2.0 asks of them."""

import numpy as np
import pygltflib as gltf
import pytest

from l2l.errors import UserError
from l2l.export import glb
from l2l.export.sculpt import JAW_OPEN, JAW_SIDEWAYS
from l2l.export.take import AtRest, Take, WholeRecording
from l2l.faces.columns import ARKIT, SHAPES
from l2l.faces.face_landmarker import canonical_face
from l2l.faces.landmarks import load_basis
from tests.export.made import REST, motion, write_basis

SIZES = {gltf.SCALAR: 1, gltf.VEC3: 3, gltf.VEC4: 4}
TYPES = {gltf.FLOAT: np.float32, gltf.UNSIGNED_INT: np.uint32}


def take(backend, basis=None, **more):
    neutral = {"blendshapes": np.concatenate([canonical_face()[None], np.zeros((49, 468, 3))])}.get(
        backend, canonical_face()
    )
    about = {"at_rest": AtRest(neutral, REST if backend == "blendshapes" else None), "basis": basis, **more}
    recording = WholeRecording("talk", 200)
    return Take("talk_00095_true", "true", backend, motion(40), np.ones(40, bool), recording, 95, **about)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("glb") / "talk.glb"
    glb.write(take("blendshapes"), out)
    return out


def values(document, number):
    accessor = document.accessors[number]
    view = document.bufferViews[accessor.bufferView]
    blob = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    return (
        np.frombuffer(blob, TYPES[accessor.componentType]).reshape(accessor.count, SIZES[accessor.type]).astype(float)
    )


def check(path):
    """What the glTF validator would find."""
    document = gltf.GLTF2().load_binary(path)
    assert document.asset.version == "2.0" and document.scenes[document.scene].nodes == [0]
    length = document.buffers[0].byteLength
    assert 0 <= len(document.binary_blob()) - length < 4
    assert path.stat().st_size % 4 == 0
    end = 0
    for view in document.bufferViews:
        assert view.byteOffset % 4 == 0 and end <= view.byteOffset
        end = view.byteOffset + view.byteLength
    assert end <= length
    for number, accessor in enumerate(document.accessors):
        view = document.bufferViews[accessor.bufferView]
        assert accessor.count * SIZES[accessor.type] * 4 == view.byteLength
        found = values(document, number)
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(accessor.min, found.min(0))
        np.testing.assert_array_equal(accessor.max, found.max(0))
    (mesh,) = document.meshes
    targets = len(mesh.extras["targetNames"])
    assert len(mesh.weights) == targets
    for primitive in mesh.primitives:
        count = document.accessors[primitive.attributes.POSITION].count
        assert document.accessors[primitive.attributes.NORMAL].count == count
        lengths = np.linalg.norm(values(document, primitive.attributes.NORMAL), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-3)
        assert len(primitive.targets) == targets
        for target in primitive.targets:
            morph = document.accessors[target["POSITION"] if isinstance(target, dict) else target.POSITION]
            assert (morph.count, morph.type) == (count, gltf.VEC3)
        indices = document.accessors[primitive.indices]
        assert indices.count % 3 == 0 and indices.max[0] < count and indices.type == gltf.SCALAR
        assert document.bufferViews[indices.bufferView].target == gltf.ELEMENT_ARRAY_BUFFER
        assert primitive.material < len(document.materials)
    (animation,) = document.animations
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        times = values(document, sampler.input)[:, 0]
        assert times[0] == 0 and (np.diff(times) > 0).all()
        wide = {"rotation": 1, "weights": targets}[channel.target.path]
        assert document.accessors[sampler.output].count == len(times) * wide
        assert channel.target.node == 0
    return document


def animated(document, path):
    animation = document.animations[0]
    (channel,) = (channel for channel in animation.channels if channel.target.path == path)
    return values(document, animation.samplers[channel.sampler].output)


def test_the_file_is_what_gltf_asks_for(written):
    document = check(written)
    assert document.meshes[0].extras["targetNames"] == list(ARKIT)
    assert {material.name for material in document.materials} >= {"skin", "lips", "white", "iris", "teeth"}


def test_the_animation_is_the_take(written):
    document, whole = check(written), take("blendshapes")
    weights = dict(zip(ARKIT, animated(document, "weights").reshape(40, 52).T, strict=True))
    for column, name in enumerate(SHAPES):
        found = weights[name] * 0.5 if "Blink" in name else weights[name]  # lids are closed at 0.5 above rest
        np.testing.assert_allclose(found, np.minimum(whole.motion[:, column], 0.5 if "Blink" in name else 1), atol=1e-4)
    # The jaw turns by as many radians as it did, to the same side.
    np.testing.assert_allclose(weights["jawOpen"] * JAW_OPEN, whole.motion[:, 53], atol=1e-4)
    sideways = (weights["jawRight"] - weights["jawLeft"]) * JAW_SIDEWAYS
    np.testing.assert_allclose(sideways, whole.motion[:, 54], atol=1e-4)
    assert not weights["tongueOut"].any() and not weights["jawForward"].any()
    quaternions = animated(document, "rotation")
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1, atol=1e-6)
    assert np.abs((quaternions * whole.head().as_quat()).sum(1)).min() > 1 - 1e-6


def test_the_head_stands_upright_and_looks_out(written):
    document = check(written)
    points = values(document, document.meshes[0].primitives[0].attributes.POSITION)
    face = points[:468]
    assert face[10, 1] > face[152, 1]  # the forehead is above the chin
    assert face[1, 2] > points[:, 2].mean() + 0.05  # the nose is in front, in metres
    assert face[263, 0] - face[33, 0] == pytest.approx(0.09, abs=1e-4)  # the left eye is at the person's left
    assert 0.18 < np.ptp(points[:, 1]) < 0.3


def test_quaternions_never_jump_to_their_opposite():
    found = glb.continuous(np.array([[0, 0, 0, 1.0], [0, 0, 0.1, -1], [0, 0, 0.2, -1], [0, 0, 0.1, 1]]))
    assert (found[:, 3] > 0).all()


def test_a_person_s_own_directions_are_the_targets_of_landmarks(tmp_path):
    write_basis(tmp_path / "basis.npz", "landmarks")
    whole = take("landmarks", tmp_path / "basis.npz")
    glb.write(whole, tmp_path / "talk.glb")
    document = check(tmp_path / "talk.glb")
    assert document.meshes[0].extras["targetNames"] == [*(f"expression_{k}" for k in range(50)), "jaw_x", "jaw_y"]
    weights = animated(document, "weights").reshape(40, 52)
    np.testing.assert_allclose(weights[:, :50], whole.motion[:, :50], atol=1e-4)
    np.testing.assert_allclose(weights[:, 50:] * [0.3, 0.15], whole.motion[:, 53:55], atol=1e-4)
    target = document.meshes[0].primitives[0].targets[7]
    moved = values(document, target["POSITION"] if isinstance(target, dict) else target.POSITION)[:468]
    truth = load_basis(tmp_path / "basis.npz").components[7].reshape(468, 3)
    np.testing.assert_allclose(moved, truth * [1, -1, -1] * 0.09, atol=1e-6)


def test_landmarks_without_their_basis_or_face_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"name their face_basis\.npz with --basis"):
        glb.write(take("landmarks"), tmp_path / "talk.glb")
    write_basis(tmp_path / "basis.npz", "landmarks")
    nobody = Take(**{**vars(take("landmarks", tmp_path / "basis.npz")), "at_rest": None})
    with pytest.raises(UserError, match="at rest is not known"):
        glb.write(nobody, tmp_path / "talk.glb")
    assert [path.name for path in tmp_path.iterdir()] == ["basis.npz"]
