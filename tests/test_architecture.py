"""Imports run one way without a circle, and no file holds more than one idea can need."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# A stage is a folder or a module of l2l. It may import itself and the stages of the lines above, not its neighbours.
ORDER = [
    "errors sigterm units sides files arrays tensors progress compiled raster inference backends codes",
    "weights",
    "config",
    "video",
    "speech faces",
    "dataset",
    "features recordings precision",
    "training asking",
    "windows patches",
    "released",
    "architectures",
    "evaluation",
    "demo pictures export live",
    "report web",
    "cli",
    "__main__",
    "__init__",  # what `import l2l` offers
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names.split()}
BASE = set(ORDER[0].split())  # these may import one another
FILES = sorted((ROOT / "l2l").rglob("*.py"))
PYTHON = FILES + sorted((ROOT / "workflow").rglob("*.py"))
WORKFLOW = [
    path for path in (ROOT / "workflow").rglob("*") if path.suffix in {".py", ".smk"} or path.stem == "Snakefile"
]
LONGEST = 350  # lines


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


MODULES = {module_name(path).removesuffix(".__init__"): path for path in FILES}


def imported(module: str) -> set[str]:
    """Modules of the package that a module imports, also inside functions and for type checkers."""
    found, path = set(), MODULES[module]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "l2l"):
            assert not node.level, f"{path} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "l2l"}
    return found


def stage(module: str) -> str:
    """`l2l.video.mesh` -> `video`."""
    return (module.split(".") + ["__init__"])[1]


def allowed(module: str, other: str) -> bool:
    ours, theirs = stage(module), stage(other)
    assert {ours, theirs} <= RANK.keys(), f"no stage is named for {module} or {other}"
    return ours == theirs or RANK[theirs] < RANK[ours] or {ours, theirs} <= BASE


def test_imports_run_one_way():
    arrows = [(module, other) for module in MODULES for other in sorted(imported(module))]
    assert [f"{module} -> {other}" for module, other in arrows if not allowed(module, other)] == []


def test_imports_make_no_circle():
    # static_order raises graphlib.CycleError, whose text names the modules of the circle.
    assert set(TopologicalSorter({module: imported(module) for module in MODULES}).static_order()) == set(MODULES)


def test_no_file_is_long():
    long = {str(path): len(path.read_text().splitlines()) for path in FILES + WORKFLOW}
    assert {path: lines for path, lines in long.items() if lines > LONGEST} == {}


def test_every_module_says_what_it_is_for():
    modules = [path for path in PYTHON if path.name != "__init__.py"]
    assert [path for path in modules if not ast.get_docstring(ast.parse(path.read_text()))] == []
