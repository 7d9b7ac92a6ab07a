"""Threads that wait for each other sleep, and do not spin on a core that another process could use."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("given", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_openmp_is_told_how_threads_wait_before_torch_is_loaded(given, policy):
    program = "import l2l.training.device, sys; assert 'torch' in sys.modules"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= given | {"OMP_DISPLAY_ENV": "TRUE"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr
