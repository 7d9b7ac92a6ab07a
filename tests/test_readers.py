"""What opens files of strangers stands in few places, where headers and sizes are looked at first."""

import ast

import pytest

from tests.test_architecture import FILES, ROOT

# What may import or call it. Each of these modules says in its first lines what it checks.
ONLY = {
    "pickle": {"released/test.py", "weights/flame_import.py"},  # one writes, one has a list of what may be found
    "zipfile": {
        "arrays.py",
        "evaluation/arrays.py",
        "faces/face_landmarker.py",
        "files.py",
        "tensors.py",
        "weights/catalogue.py",
    },
    "tarfile": {"weights/archives.py"},
    "subprocess": {"demo/voices.py", "evaluation/provenance.py", "video/media.py", "weights/catalogue.py"},
    "av": {"report/glance.py", "video/media.py", "video/picture.py", "video/probing.py"},
    "requests": {"weights/download.py"},
    "onnxruntime": {"speech/vad.py"},
    "tempfile": {"files.py"},
    "torch.load": {"tensors.py"},
    "np.load": set(),
    "np.fromfile": set(),
    "np.loadtxt": set(),
    "np.lib.format.open_memmap": {"arrays.py", "dataset/writer.py", "files.py"},
    "yaml.load": {"config/load.py"},
    "yaml.unsafe_load": set(),
    "os.system": set(),
    "eval": set(),
    "exec": set(),
}


def used() -> dict[str, set[str]]:
    """Imported modules and called names, by the files of the package that have them."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Call):
                names.add(ast.unparse(node.func))
        for name in names:
            found.setdefault(name, set()).add(str(path.relative_to(ROOT / "l2l")))
    return found


USED = used()


@pytest.mark.parametrize("name", ONLY)
def test_only_these_modules_use_it(name: str) -> None:
    assert USED.get(name, set()) == ONLY[name]


def test_torch_loads_nothing_but_arrays() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                assert "weights_only=True" in ast.unparse(node), path
