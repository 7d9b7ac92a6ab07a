"""What a command loads before it begins: nothing heavy that it does not use."""

import subprocess
import sys

PROGRAM = """
import sys
import l2l.cli.main, l2l.dataset.by_hand, l2l.dataset.chunks, l2l.evaluation.compare, l2l.report.page
import l2l.video.tracking
heavy = [name for name in ("torch", "numba", "scipy.signal", "scipy.stats", "scipy.optimize") if name in sys.modules]
import l2l.patches.codec
print(heavy, "torch" in sys.modules, "torch._dynamo" in sys.modules)
"""


def test_steps_load_neither_torch_nor_signals_and_models_no_compiler():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True False"
