"""What several test files share."""

import pytest
import yaml

from tests.road import PEOPLE, TINY, snakemake


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A folder in which the tiny demo has been run."""
    folder = tmp_path_factory.mktemp("road")
    (folder / "config.yaml").write_text(yaml.safe_dump({**TINY, "people": PEOPLE}))
    targets = [f"results/demo/{name}" for name in ("eval.json", "accuracy.json", "preview.mp4")]
    done = snakemake(folder, *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout + done.stderr
