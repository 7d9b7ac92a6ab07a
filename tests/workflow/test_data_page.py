"""docs/data.md: every command that it shows runs, and its tables are those of the code."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from l2l.cli import main as cli
from l2l.config.published import published
from l2l.dataset.layout import load_chunks
from l2l.faces import livelink
from tests.dataset.archives import person_arrays, write_tar
from tests.dataset.tables import write_livelink, write_table
from tests.dataset.test_by_hand import nods
from tests.released.test_archive import members, write
from tests.road import ROOT, TINY, snakemake

PAGE = (ROOT / "docs" / "data.md").read_text()
SCRIPT = re.findall(r"```python\n(.*?)```", PAGE, re.S)[0]
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.M)


def people() -> dict:
    """The people of the page's YAML, together."""
    found: dict = {}
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S):
        found |= yaml.safe_load(block)["people"]
    for person in found.values():
        person.pop("preset", None)  # settings of the models, of no matter here
    return found


def test_the_page_lists_the_people_there_are() -> None:
    rows = re.findall(r"^\| (\w+) \| (p[01]), (left|right) \| (yes|no) \|$", PAGE, re.M)
    assert [(name, side, models) for name, _, side, models in rows] == [
        (name, entry.listener, "yes" if entry.models else "no") for name, entry in published().items()
    ]
    assert all((side == "left") == (number == "p0") for _, number, side, _ in rows)


@pytest.mark.workflow
def test_every_shown_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("L2L_WEIGHTS", str(tmp_path / "third_party/weights"))
    settings = {key: TINY[key] for key in ("codebook", "predictor", "sampling", "evaluation")}
    Path("config.yaml").write_text(yaml.safe_dump({"people": people(), **settings}))
    for person in ("conan", "fallon"):
        write_tar(Path(f"data/{person}_data.tar"), person_arrays(tmp_path / "made"), person)
    write(Path("data/conan_models.tar"), members())
    rng = np.random.default_rng(0)
    for number in range(3):
        folder, frames = Path(f"data/raw/alice/day {number}"), 200 + number
        folder.mkdir(parents=True)
        shapes = {"p0_faces": (1, frames, 56), "p1_faces": (frames, 184), "p1_audio": (1, 4 * frames, 128)}
        for name, shape in shapes.items():
            np.save(folder / f"{name}.npy", rng.standard_normal(shape).astype(np.float32))
    for number in range(3):
        folder = Path(f"data/raw/bea/day {number}")
        write_livelink(folder / "p0_faces.csv", 7.0, HeadPitch=nods, MouthSmileLeft=lambda t: 0.5 + 0.5 * np.sin(t))
        names = [name for name in livelink.SHAPES if name not in ("jawForward", "tongueOut")]
        times = np.arange(7 * 48) / 48
        table = {"timestamp": times, **{name: 0.1 * np.abs(nods(times)) for name in names}}
        write_table(folder / "p1_faces.csv", table | {f"pose_R{axis}": nods(times) for axis in "xyz"})
        soundfile.write("p1_audio.wav", 0.1 * rng.standard_normal(7 * 16000), 16000)
        exec(SCRIPT)
        Path("p1_audio.npy").rename(folder / "p1_audio.npy")
    assert len(COMMANDS) >= 7
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        if program == "l2l":
            assert cli.main(arguments) == 0, command
        else:
            assert program == "snakemake"
            done = snakemake(tmp_path, *arguments[2:])
            assert done.returncode == 0, command + done.stdout + done.stderr
    bea = load_chunks(Path("work/bea"), "train", "left")
    moments = bea.files[:, :, 2].astype(int) / 30
    np.testing.assert_allclose(bea.listener[:, :, 50], nods(moments), atol=0.01)
    for person in ("conan", "alice"):
        assert "model" in json.loads(Path(f"results/{person}/eval.json").read_text())["results"]
