"""The whole road on tiny settings, run once for all tests that look at it."""

import os
import subprocess
import sys
from pathlib import Path

from tests import preloaded

ROOT = Path(__file__).resolve().parents[1]
TINY = {
    "demo": {"recordings": 3, "seconds": 16},
    "chunking": {"stride_train": 8, "stride_test": 16},
    "sampling": {"samples": 3},
    "evaluation": {"bootstrap": 50, "shifts": 5, "folds": 0},
    "preview": {"seconds": 2},
    "codebook": {
        **{"width": 16, "pose_latent": 4, "expression_latent": 4, "codes": 8},
        "training": {"batch_size": 8, "max_steps": 20, "validate_every": 5, "threads": 1},
    },
    "predictor": {
        **{"width": 16, "layers": 1, "heads": 2, "head_width": 16, "crop": 8},
        **{"branch": {"steps": 10}, "calibration_rounds": 2},
        "training": {"batch_size": 8, "max_steps": 20, "validate_every": 10, "threads": 1},
    },
}
PEOPLE = {
    # Together, for a command takes seconds to start; alice's are one by one.
    "demo": {
        **{"listener": "left", "source": "demo", "recordings_per_job": 3},
        "overrides": {"evaluation": {"folds": 3}},
    },
    "alice": {"listener": "right"},
    "bad": {"listener": "left"},
}


def snakemake(folder: Path, *arguments: str, fresh: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the workflow in `folder`, as its README says: two cores; one where tests run beside each other.

    `fresh`: each command in a new process, which has to import all that it needs, as a user's does.
    """
    cores = "1" if "PYTEST_XDIST_WORKER" in os.environ else "2"
    program = [sys.executable, "-m", "snakemake"] if fresh else [preloaded.program("snakemake")]
    command = [*program, "--cores", cores, "--directory", str(folder)]
    # Snakemake finds no profile of this repository from another folder, and must not find the user's.
    environment = os.environ | {"XDG_CONFIG_HOME": str(folder / "none")}
    return subprocess.run(
        [*command, "--snakefile", str(ROOT / "workflow/Snakefile"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
