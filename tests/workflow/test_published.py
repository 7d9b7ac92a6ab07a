"""From an archive or from arrays in data/ to numbers, with the workflow and nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from tqdm import tqdm

from l2l.dataset.layout import load_chunks
from l2l.errors import UserError
from l2l.patches.live import Listener
from tests.dataset.archives import person_arrays, write_tar
from tests.dataset.test_published import listing
from tests.road import snakemake
from tests.tiny import tiny_patches
from tests.weights.server import PIECE, serving


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a configuration of differences: two ways in, one of them under a name of our own."""
    settings = tiny_patches(8).model_dump()
    people = {
        "mine": {"source": "published", "dataset": "fallon"},
        "alice": {"source": "arrays", "listener": "left"},
        "conan_released": {"source": "published", "dataset": "conan", "models": "released"},
    }
    changed = {key: settings[key] for key in ("codebook", "predictor", "sampling", "evaluation")}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"people": people, **changed}))
    return tmp_path


@pytest.mark.workflow
def test_placed_archives_become_one_model_of_two_people_and_are_needed_no_more(work: Path) -> None:
    archives = [
        write_tar(work / "data" / f"{name}_data.tar", person_arrays(work / f"made_{name}"), name)
        for name in ("conan", "fallon")
    ]
    settings = yaml.safe_load((work / "config.yaml").read_text())
    people = {"conan": "conan", "mine": "fallon"}  # conan is published, so that the configuration need not name him
    settings["people"]["both"] = {"source": "people", "people": list(people)}
    (work / "config.yaml").write_text(yaml.safe_dump(settings))
    done = snakemake(work, "results/both/eval.json")
    assert done.returncode == 0, done.stderr
    assert "mine=data/fallon:right" in done.stderr

    parts = {name: load_chunks(work / "data" / dataset, "test", "right") for name, dataset in people.items()}
    assert load_chunks(work / "data/both", "test", "left").videos.tolist() == [
        f"{name}/{video}" for name, chunks in parts.items() for video in chunks.videos
    ]
    found = json.loads((work / "results/both/eval.json").read_text())
    assert found["n"]["clips"] == sum(map(len, parts.values()))
    with pytest.raises(UserError, match="say who listens: conan, mine"):
        Listener.load(work / "results/both")
    patch = np.zeros((8, 56), np.float32), np.ones((32, 128), np.float32)
    motions = [Listener.load(work / "results/both", person=name).step(*patch) for name in people]
    assert motions[0].shape == (8, 56) and np.isfinite(motions).all()

    for archive in archives:
        archive.unlink()
    before = listing(work / "data")
    assert "Nothing to be done" in snakemake(work, "results/both/eval.json").stderr
    forced = snakemake(work, "--forcerun", "fetch", "--until", "fetch", "--", "results/both/eval.json")
    assert forced.returncode == 0 and "rule fetch" in forced.stderr, forced.stderr
    assert listing(work / "data") == before


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("results/kimmel/eval.json", "run `l2l fetch kimmel`, which takes http"),
        ("results/kimel/eval.json", "did you mean 'kimmel'?"),
        ("results/mine/preview.mp4", "which has no videos"),
        ("results/alice/eval.json", "data/raw/alice/ holds no recordings"),
        ("data/kimmel/train/p0_list_faces_clean_deca.npy", "run `l2l fetch kimmel`"),
    ],
)
def test_what_cannot_be_made_is_one_sentence_and_nothing_is_done(work: Path, target: str, words: str) -> None:
    done = snakemake(work, target, "--config", "download=false")
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode and words in last and last.startswith("Error: "), done.stderr
    assert not (work / "results").exists() and not (work / "data").exists()


@pytest.mark.workflow
def test_a_published_person_is_downloaded_by_name(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = ["--until", "fetch", "--", "results/conan/eval.json"]
    with serving() as server:
        # The authors' address is asked for through a proxy, and this server is it.
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", server.url)
        server.status = 404
        dead = snakemake(work, *target)
        last = (dead.stdout + dead.stderr).strip().splitlines()[-1]
        assert dead.returncode and last.startswith("Error: l2l fetch: http") and "HTTP 404" in last
        assert last.endswith("put the archive at data/conan_data.tar yourself and run this again.")
        assert not [path for path in (work / "data").rglob("*") if path.is_file()]

        server.content = write_tar(work / "made.tar", person_arrays(work / "made")).read_bytes()
        server.status, server.cuts, server.asked = 200, [4 * PIECE], []
        done = snakemake(work, *target)
        assert done.returncode == 0, done.stderr
        assert server.asked == [None, f"bytes={4 * PIECE}-"]
        size = tqdm.format_sizeof(len(server.content), "B")
        assert f"conan_data.tar: {size}, from http://learning2listen.berkeleyvision.org" in done.stdout + done.stderr
    assert len(load_chunks(work / "data/conan", "test", "left")) == 40


@pytest.mark.workflow
def test_released_models_stand_in_for_training(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2L_WEIGHTS", str(work / "weights"))
    write_tar(work / "data" / "conan_data.tar", {})
    missing = snakemake(work, "-n", "results/conan_released/eval.json")
    assert "run `l2l fetch-models conan`" in missing.stderr.splitlines()[-1]
    folder = work / "weights/released/conan"
    folder.mkdir(parents=True)
    for name in ("codebook.pth", "codebook_core.npz", "codebook.json"):
        (folder / name).touch()
        (folder / name.replace("codebook", "predictor")).touch()
    planned = snakemake(work, "-n", "results/conan_released/eval.json").stdout
    assert "rule import_released" in planned and "rule fetch" in planned and "train_codebook" not in planned
