"""fetch-models: six files that belong together, or nothing at all."""

import copy
import functools
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from l2l.cli import main as cli
from l2l.config.published import MODEL_FILES
from l2l.windows.checkpoint import load_pair
from tests.dataset.archives import add
from tests.released.released_folder import write_configs, write_models

Members = dict[str, Any]
CODEBOOK, PREDICTOR = "vqgan/configs/codebook.json", "configs/predictor.json"
STATISTICS = {
    "codebook": "vqgan/models/tiny_er2er_preprocess_core.npz",
    "predictor": "models/small_er2er_preprocess_core.npz",
}
WEIGHTS = {"codebook": "vqgan/models/tiny_er2er_best.pth", "predictor": "models/small_er2er_best.pth"}


@functools.cache
def stored(person: str) -> Members:
    with tempfile.TemporaryDirectory() as folder:
        write_configs(Path(folder), person)
        write_models(Path(folder))
        files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        return {
            str(path.relative_to(folder)): json.loads(path.read_text()) if path.suffix == ".json" else path.read_bytes()
            for path in files
        }


def members(person: str = "conan") -> Members:
    """What the archive holds, by the path in it; a configuration is a dict."""
    return {**copy.deepcopy(stored(person)), "models/._small_er2er_best.pth": b"a desktop's notes"}


def write(path: Path, content: Members) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, value in content.items():
            add(tar, name, json.dumps(value).encode() if isinstance(value, dict) else value)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def fetch(tmp_path: Path, person: str = "conan", *more: str) -> int:
    return cli.main(["fetch-models", person, "--data", str(tmp_path / "data"), *more])


@pytest.mark.parametrize("person", ["conan", "fallon"])
def test_the_six_files_get_their_plain_names(tmp_path: Path, weights: Path, person: str) -> None:
    content = members(person)
    write(tmp_path / "data" / f"{person}_models.tar", content)
    assert fetch(tmp_path, person) == 0
    folder = weights / "released" / person
    assert sorted(path.name for path in folder.iterdir()) == sorted(MODEL_FILES)
    assert [path.name for path in folder.parent.iterdir()] == [person]
    assert (folder / "codebook.pth").read_bytes() == content[WEIGHTS["codebook"]]
    assert json.loads((folder / "predictor.json").read_text()) == content[PREDICTOR]


def test_checkpoints_of_an_old_torch_are_taken(tmp_path: Path, weights: Path) -> None:
    content = members()
    for name in [name for name in content if name.endswith("_best.pth") and "/." not in name]:
        file = io.BytesIO()
        old = torch.load(io.BytesIO(content[name]), weights_only=True)
        torch.save(old, file, _use_new_zipfile_serialization=False)
        content[name] = file.getvalue()
    write(tmp_path / "data" / "conan_models.tar", content)
    assert fetch(tmp_path) == 0


@pytest.mark.parametrize("place", ["archive", "files"])
def test_configurations_may_come_apart_from_the_weights(tmp_path: Path, weights: Path, place: str) -> None:
    content = members()
    loose = {name: content.pop(name) for name in list(content) if name.endswith(".json")}
    write(tmp_path / "data" / "conan_models.tar", content)
    assert fetch(tmp_path) == 1
    if place == "archive":
        write(tmp_path / "data" / "conan_configs.tar", loose)
        assert fetch(tmp_path) == 0
    else:
        files = [tmp_path / Path(name).name for name in loose]
        for file, value in zip(files, loose.values(), strict=True):
            file.write_text(json.dumps(value))
        assert fetch(tmp_path, "conan", "--configs", *map(str, files)) == 0
    assert (weights / "released" / "conan" / "predictor.json").is_file()


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return sys.exit, (13,)


def evil() -> bytes:
    file = io.BytesIO()
    torch.save({"state_dict": Evil()}, file)
    return file.getvalue()


def change(path: str, *keys: str, to: Any) -> Callable[[Members], None]:
    def apply(content: Members) -> None:
        value = content[path]
        for key in keys[:-1]:
            value = value[key]
        value[keys[-1]] = to

    return apply


def replace(path: str, content: bytes) -> Callable[[Members], None]:
    return lambda members: members.update({path: content})


NOT_A_PAIR = {
    "another tag": (change(PREDICTOR, "tag", to="delta_v7_"), "belongs to 'delta_v7_er2er_best.pth'"),
    "another codebook": (
        change(PREDICTOR, "l_vqconfig", to="vqgan/configs/l2_64.json"),
        "0 codebook configurations 'l2_64",
    ),
    "another person": (
        lambda c: [change(p, "data", "speaker", to="fallon")(c) for p in (CODEBOOK, PREDICTOR)],
        "is about 'fallon', not conan",
    ),
    "a codebook of another person": (change(CODEBOOK, "data", "speaker", to="trevor"), "is about 'trevor', not conan"),
    "another number of codes": (change(CODEBOOK, "VQuantizer", "n_embed", to=21), "has 21"),
    "another width": (
        change(CODEBOOK, "transformer_config", "intermediate_size", to=9),
        "its configuration is another",
    ),
    "widths that differ": (change(CODEBOOK, "transformer_config", "hidden_size", to=9), "the two must be equal"),
    "no checkpoint": (lambda c: c.pop(WEIGHTS["predictor"]), "holds 0"),
    "two checkpoints": (lambda c: c.update({"x/small_er2er_best.pth": b"x"}), "holds 2"),
    "a key is missing": (
        lambda c: c[CODEBOOK].pop("transformer_config"),
        "the key 'transformer_config.in_dim' is missing",
    ),
    "code in a checkpoint": (replace(WEIGHTS["predictor"], evil()), "nothing in it was run"),
    "a broken checkpoint": (replace(WEIGHTS["predictor"], b"PK"), "is cut off"),
    "statistics of another model": (
        lambda c: c.update({STATISTICS["codebook"]: c[STATISTICS["predictor"]]}),
        "body_mean_Y",
    ),
    "a broken .json": (replace(PREDICTOR, b'{"fact_model": '), "predictor.json is not valid JSON"),
}


@pytest.mark.parametrize("case", NOT_A_PAIR)
def test_what_does_not_belong_together_is_refused_and_nothing_stays(
    tmp_path: Path, weights: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, words = NOT_A_PAIR[case]
    content = members()
    spoil(content)
    write(tmp_path / "data" / "conan_models.tar", content)
    assert fetch(tmp_path) == 1
    message = capsys.readouterr().err.strip()
    assert words in message and "\n" not in message, message
    assert not list(weights.rglob("*.*"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda tar: add(tar, "../../x.pth", b"x"),
        lambda tar: add(tar, "models/x.pth", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    ],
)
def test_an_archive_that_reaches_out_is_refused(
    tmp_path: Path, weights: Path, spoil: Callable[[tarfile.TarFile], None]
) -> None:
    write(tmp_path / "data" / "conan_models.tar", members())
    with tarfile.open(tmp_path / "data" / "conan_models.tar", "a") as tar:
        spoil(tar)
    assert fetch(tmp_path) == 1
    assert not list(weights.rglob("*.*"))


def test_no_archive_says_where_to_put_it(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(tmp_path) == 1
    message = capsys.readouterr().err
    assert "conan_models.tar is missing; download it by hand from https://drive.google.com/" in message
    assert fetch(tmp_path, "kimmel") == 1
    assert "no models of kimmel were released" in capsys.readouterr().err


def test_models_that_are_there_are_kept(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data" / "conan_models.tar", members())
    assert fetch(tmp_path) == 0 and fetch(tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{weights / 'released/conan'}: there already"
    (weights / "released/conan/codebook.json").unlink()
    assert fetch(tmp_path) == 1
    assert "is there already; move it away" in capsys.readouterr().err


def test_the_six_files_become_models_of_ours(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data" / "fallon_models.tar", members("fallon"))
    fetch(tmp_path, "fallon")
    folder, out = weights / "released" / "fallon", tmp_path / "results" / "fallon"
    assert cli.main(["import-released", str(folder), "--listener", "right", "--out", str(out)]) == 0
    stored = torch.load(folder / "predictor.pth", weights_only=True)["state_dict"]
    ours = load_pair(out / "codebook.pt", out / "predictor.pt").predictor.state_dict()
    assert all(torch.equal(ours[key.removeprefix("module.")], value) for key, value in stored.items())
    assert torch.load(out / "codebook.pt", weights_only=True)["listener"] == "right"
    (folder / "codebook_core.npz").unlink()
    assert cli.main(["import-released", str(folder), "--listener", "right", "--out", str(out)]) == 1
    assert "codebook_core.npz is missing; get it from" in capsys.readouterr().err
