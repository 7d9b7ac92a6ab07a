"""The whole road on tiny settings, run once for all tests that look at it."""

import os
import subprocess
import sys
from pathlib import Path

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
        **{"width": 16, "layers": 1, "heads": 2, "head_width": 16, "crop": 8, "branch": {"steps": 10}},
        "training": {"batch_size": 8, "max_steps": 20, "validate_every": 10, "threads": 1},
    },
}
PEOPLE = {
    "demo": {"listener": "left", "source": "demo", "overrides": {"evaluation": {"folds": 3}}},
    "alice": {"listener": "right"},
    "bad": {"listener": "left"},
}


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the workflow in `folder`, as its README says: two cores; one where tests run beside each other."""
    cores = "1" if "PYTEST_XDIST_WORKER" in os.environ else "2"
    command = [sys.executable, "-m", "snakemake", "--cores", cores, "--directory", str(folder)]
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
