"""`l2l export`: which files are written, and what each backend can and cannot do."""

import pytest

from l2l import config
from l2l.cli import main as cli
from l2l.errors import UserError
from l2l.export.export import FORMATS, export
from tests.export.made import STARTS, write_results

SETTINGS = config.Settings().chunking
TAKES = [f"talk_{start:05}_{what}" for start in STARTS for what in ("true", "sample_1")]


@pytest.fixture(scope="module", params=["blendshapes", "landmarks", "deca"])
def results(request, tmp_path_factory):
    return request.param, write_results(tmp_path_factory.mktemp(request.param), request.param)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_of_every_backend_or_one_clear_sentence(results, format, tmp_path):
    backend, folder = results
    if backend not in FORMATS[format].backends:
        with pytest.raises(
            UserError, match=r"needs named shapes; .*faces\.backend: blendshapes, or take --format .* or "
        ):
            export(folder, format, tmp_path, SETTINGS)
        assert not list(tmp_path.iterdir())
        return
    paths = export(folder, format, tmp_path, SETTINGS)
    names = ["talk"] if FORMATS[format].tiers else TAKES
    assert [path.name for path in paths] == [f"{name}{FORMATS[format].suffix}" for name in names]
    assert sorted(tmp_path.iterdir()) == sorted(paths) and all(path.stat().st_size for path in paths)


def test_one_file_goes_where_it_is_told(results, tmp_path):
    _, folder = results
    video = folder / "videos/talk"
    assert export(video / "faces_left.npz", "bvh", tmp_path / "a.bvh", SETTINGS) == [tmp_path / "a.bvh"]
    assert export(video, "eaf", tmp_path / "talk.eaf", SETTINGS) == [tmp_path / "talk.eaf"]
    both = export(video, "csv", tmp_path, SETTINGS)
    assert [path.name for path in both] == ["talk_faces_left.csv", "talk_faces_right.csv"]
    with pytest.raises(UserError, match=r"has 2 files to write as csv; give a folder as --out, not .*a\.csv"):
        export(video, "csv", tmp_path / "a.csv", SETTINGS)


def test_a_file_of_another_format_is_no_folder(results, tmp_path):
    _, folder = results
    (tmp_path / "notes").write_text("mine")
    for name in ("a.glb", "notes"):
        with pytest.raises(UserError, match=rf"{name}: --format bvh writes \.bvh files; give a folder, or a name"):
            export(folder / "videos/talk/faces_left.npz", "bvh", tmp_path / name, SETTINGS)
    assert (tmp_path / "notes").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_what_is_no_source(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.npz does not exist; check the path"):
        export(tmp_path / "nowhere.npz", "csv", tmp_path / "out", SETTINGS)
    with pytest.raises(UserError, match=r"is no faces file, no folder with faces_left\.npz and no results"):
        export(tmp_path, "csv", tmp_path / "out", SETTINGS)
    (tmp_path / "notes.npz").write_text("no")
    with pytest.raises(UserError, match=r"notes\.npz is not a faces file"):
        export(tmp_path / "notes.npz", "csv", tmp_path / "out", SETTINGS)


def test_the_command_says_what_it_wrote(results, tmp_path, capsys):
    _, folder = results
    words = ["export", str(folder), "--format", "csv", "--side", "left", "right", "--samples", "2"]
    assert cli.main([*words, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [
        *(str(tmp_path / "talk_00008_true.csv"), "...", str(tmp_path / "talk_00104_speaker.csv")),
    ]
    assert len(list(tmp_path.iterdir())) == 4 * len(STARTS)


def test_named_shapes_of_arrays_are_played_by_an_average_head(tmp_path):
    results = write_results(tmp_path)
    results.joinpath("face_basis.npz").unlink()
    results.joinpath("videos").rename(tmp_path / "gone")
    with pytest.raises(UserError, match="needs named shapes"):
        export(results, "glb", tmp_path / "out", SETTINGS, backend="deca")
    paths = export(results, "glb", tmp_path / "out", SETTINGS, samples=0)
    assert len(paths) == len(STARTS) and all(path.stat().st_size > 900_000 for path in paths)
