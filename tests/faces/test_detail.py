"""DECA's decoder of detail gives the original's maps and pictures; its files are taken only as they should be."""

import numpy as np
import pytest
import torch

from l2l.errors import UserError
from l2l.faces.detail import Detail, load_detail, shade
from l2l.faces.flame import normals, project
from l2l.weights.deca_data import import_deca_data, load_deca_data
from tests.faces import synthetic_flame
from tests.faces.reference import close, reference, tensors
from tests.faces.seeded_deca import seeded_weights

WANTED = reference("decode")


@pytest.fixture(scope="module")
def detail(tmp_path_factory) -> Detail:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L2L_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
        seeded_weights()
        return load_detail()


@pytest.fixture(scope="module")
def head(detail):
    return detail.flame(*tensors(WANTED, "in_shape", "in_exp", "in_pose"))


@pytest.fixture(scope="module")
def surface(detail, head):
    expression, pose, code = tensors(WANTED, "in_exp", "in_pose", "in_detail")
    return detail.surface(head, expression, pose[:, 3:], code)


def test_displacements_are_those_of_the_original(surface):
    close(surface.relief[..., ::8, ::8], WANTED["uv_z_every8"])
    close(surface.displacement[..., ::8, ::8], WANTED["displacement_map_every8"])


def close_but_for_folds(found: torch.Tensor, wanted: np.ndarray) -> None:
    """Neighbours on the map lie less than a millimetre apart, in metres of float32: directions are known to 1e-4.
    Where the synthetic map folds over itself, at its rim, rounding decides which side is seen: 1 pixel of 1024."""
    off = np.abs(found.numpy() - wanted).max((0, 1))  # (32, 32)
    assert found.shape == wanted.shape
    assert (off > 2e-4).mean() < 5e-3 and (off > 1e-3).sum() <= 1


def test_the_displaced_surface_is_that_of_the_original(surface):
    close_but_for_folds(surface.normals[..., ::8, ::8], WANTED["uv_detail_normals_every8"])


def test_light_is_that_of_the_original(surface):
    (light,) = tensors(WANTED, "in_light")
    close_but_for_folds(shade(surface.normals, light)[..., ::8, ::8], WANTED["uv_shading_every8"])


def test_texture_is_that_of_the_original(detail, head):
    pictures = reference("encode")["images_lowres"][:2].repeat(14, 1).repeat(14, 2)
    crops = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255
    found = detail.texture(head, *tensors(WANTED, "in_cam"), crops)[..., ::8, ::8]
    # The picture is made of blocks: a place just beside an edge is off by as much as it is moved.
    np.testing.assert_allclose(found, WANTED["uv_texture_gt_every8"], atol=1e-3)


def test_projected_head_and_its_landmarks_are_those_of_the_original(detail, head):
    (camera,) = tensors(WANTED, "in_cam")
    placed = project(head.vertices, camera)
    close(placed[:, ::50], WANTED["transformed_vertices_every50"] - [0, 0, 30])  # it adds 30 while it draws
    triangles, landmarks = detail.flame.triangles, detail.data.landmarks
    close(normals(head.vertices, triangles)[:, ::50], WANTED["normals_every50"])
    close(project(landmarks.seen(head, triangles), camera)[..., :2] * 112 + 112, WANTED["landmarks2d"])
    close(project(landmarks.on_face(head.vertices, triangles), camera) * 112 + 112, WANTED["landmarks3d"][..., :3])
    np.testing.assert_array_equal(detail.visible(head, camera), WANTED["landmarks3d"][..., 3])


@pytest.mark.parametrize("kind", ["shape", "shape_detail"])
def test_pictures_look_like_the_original_s(detail, head, surface, kind):
    bent = surface.normals if kind == "shape_detail" else None
    found = detail.picture(head, *tensors(WANTED, "in_cam"), bent)[..., ::4, ::4].numpy()
    wanted = WANTED[f"{kind}_images_every4"]
    assert found.shape == wanted.shape
    assert (np.abs(found - wanted) > 1e-3).mean() < 1e-3  # a pixel on an edge may show one side or the other


@pytest.fixture
def folder(tmp_path):
    return synthetic_flame.write_data(tmp_path / "data", reference("flame")["model_uv"])


def test_deca_s_data_is_converted_without_loss(folder, tmp_path):
    import_deca_data(folder, tmp_path / "deca_data.npz")
    found = load_deca_data(tmp_path / "deca_data.npz")
    wanted = synthetic_flame.embedding()
    np.testing.assert_array_equal(found.landmarks.contour[0], wanted["dynamic_lmk_faces_idx"])
    np.testing.assert_array_equal(found.landmarks.fixed[1], wanted["full_lmk_bary_coords"][0])
    np.testing.assert_array_equal(found.uv_triangles, synthetic_flame.model()["f"])
    assert found.face_mask.unique().tolist() == [0, 1] and found.uv.shape == (5023, 2)


@pytest.mark.parametrize(
    "file", ["landmark_embedding.npy", "head_template.obj", "fixed_displacement_256.npy", "uv_face_eye_mask.png"]
)
@pytest.mark.parametrize("how", ["missing", "cut off"])
def test_a_bad_file_is_named_and_nothing_is_written(folder, tmp_path, file, how):
    if how == "missing":
        (folder / file).unlink()
    else:
        (folder / file).write_bytes((folder / file).read_bytes()[:90])
    with pytest.raises(UserError, match=file):
        import_deca_data(folder, tmp_path / "deca_data.npz")
    assert not (tmp_path / "deca_data.npz").exists()


def test_an_embedding_that_would_run_something_is_refused_and_nothing_runs(folder, tmp_path):
    class Canary:
        def __reduce__(self):
            return open, (str(tmp_path / "canary"), "w")

    bad = np.empty((), object)
    bad[()] = {"static_lmk_faces_idx": Canary()}
    np.save(folder / "landmark_embedding.npy", bad, allow_pickle=True)
    with pytest.raises(UserError, match=r"landmark_embedding\.npy asks for .*open.*nothing in it was run"):
        import_deca_data(folder, tmp_path / "deca_data.npz")
    assert not (tmp_path / "canary").exists()
