"""--sdm conda: a rule's command runs with the Python of the rule's environment, and a failing one fails its job.

There is no conda here: a script answers as conda does, and makes environments whose Python leaves a note.
"""

import sys

import numpy as np
import pytest
import yaml

from tests.road import snakemake

CONDA = """#!/bin/bash
case "$1" in
  --version) echo conda 25.1.0 ;;
  info) echo '{{"conda_prefix": "{base}", "platform": "linux-64"}}' ;;
  config) echo '{{"get": {{"channel_priority": "strict"}}}}' ;;
  env)
    while [ "$1" != --prefix ]; do [ "$1" = --file ] && file=$2; shift; done
    mkdir -p "$2/bin"
    note="{base}/$(sed -n 's/^name: //p' "$file")"
    printf '#!/bin/sh\\necho "$@" >> "%s"\\nexec {python} "$@"\\n' "$note" > "$2/bin/python"
    chmod +x "$2/bin/python" ;;
esac
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Arrays of one person, and a conda on PATH."""
    base = tmp_path / "conda"
    (base / "bin").mkdir(parents=True)
    (base / "bin/conda").write_text(CONDA.format(base=base, python=sys.executable))
    (base / "bin/activate").write_text('export PATH="$1/bin:$PATH"\n')
    (base / "bin/conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(base / "bin"), prepend=":")
    people = {"alice": {"source": "arrays", "listener": "left"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"people": people}))
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        recording = tmp_path / "data/raw/alice" / name
        recording.mkdir(parents=True)
        for side in ("left", "right"):
            np.save(recording / f"{side}_faces.npy", rng.standard_normal((70, 56)).astype(np.float32))
        np.save(recording / "p1_audio.npy", rng.random((280, 128)).astype(np.float32))
    return tmp_path


ARRAYS = "data/alice/train/p0_list_faces_clean_deca.npy"


@pytest.mark.workflow
def test_with_conda_the_environment_of_the_rule_runs_its_command(folder):
    done = snakemake(folder, "--sdm", "conda", "--", ARRAYS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / ARRAYS).exists()
    assert "-m l2l chunk-arrays data/raw/alice" in (folder / "conda/l2l-preprocess").read_text()


@pytest.mark.workflow
@pytest.mark.parametrize("options", [[], ["--sdm", "conda"]], ids=["plain", "conda"])
def test_a_command_that_fails_fails_its_job_by_its_own_status(folder, options):
    np.save(folder / "data/raw/alice/a/p1_audio.npy", np.zeros((3, 3), np.float32))
    done = snakemake(folder, *options, "--", ARRAYS)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "p1_audio.npy" in output
    assert "non-zero exit code" in output and "MissingOutputException" not in output
