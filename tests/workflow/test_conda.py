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


TARGETS = [f"data/{person}/train/p0_list_faces_clean_deca.npy" for person in ("alice", "bad")]

pytestmark = pytest.mark.workflow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Arrays of two people, the second's of a wrong shape, and a conda on PATH."""
    base = tmp_path / "conda"
    (base / "bin").mkdir(parents=True)
    (base / "bin/conda").write_text(CONDA.format(base=base, python=sys.executable))
    (base / "bin/activate").write_text('export PATH="$1/bin:$PATH"\n')
    (base / "bin/conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(base / "bin"), prepend=":")
    people = {person: {"source": "arrays", "listener": "left"} for person in ("alice", "bad")}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"people": people}))
    rng = np.random.default_rng(0)
    for person, sound in (("alice", (280, 128)), ("bad", (3, 3))):
        for name in ("a", "b"):
            recording = tmp_path / "data/raw" / person / name
            recording.mkdir(parents=True)
            for side in ("p0", "p1"):
                np.save(recording / f"{side}_faces.npy", rng.standard_normal((70, 56)).astype(np.float32))
            np.save(recording / "p1_audio.npy", rng.random(sound).astype(np.float32))
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--sdm", "conda"]], ids=["plain", "conda"])
def test_a_command_runs_in_its_environment_and_fails_its_job_by_its_own_status(folder, options):
    done = snakemake(folder, "--keep-going", *options, "--", *TARGETS)
    output = done.stdout + done.stderr
    assert [(folder / target).exists() for target in TARGETS] == [True, False], output
    assert done.returncode != 0 and "p1_audio.npy" in output
    assert "non-zero exit code" in output and "MissingOutputException" not in output
    note = folder / "conda/l2l-preprocess"  # written by the environment's Python
    assert note.exists() == bool(options)
    if options:
        assert "-m l2l chunk-arrays data/raw/alice" in note.read_text()
