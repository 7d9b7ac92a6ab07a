"""The pins are the same everywhere they are written down, and a conda environment holds what its rules import."""

import ast
import functools
import inspect
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from l2l.backends import BACKENDS
from l2l.cli import main as cli
from l2l.cli.options import Options
from l2l.recordings.steps import STEPS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DISTRIBUTIONS = packages_distributions()
TOP = (ast.Import, ast.ImportFrom)
NOT_IN_RULES = {
    (
        "l2l.weights.catalogue",
        "l2l.weights.download",
    ),  # only `l2l weights fetch` downloads, which no rule runs
    ("l2l.faces.fan", "face_alignment"),  # used when it is there: the extra `deca`
}
LOOPS = {
    "{params.step}": set(STEPS),
    "{params.command}": {"chunk", "chunk-arrays", "gather"},
    "train-{params.model}": {"train-codebook", "train-predictor"},
}
COMES_WITH = {"pydantic-core": "pydantic"}
PINS = PROJECT["dependencies"] + [pin for extra in PROJECT["optional-dependencies"].values() for pin in extra]


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_conda_environments_pin_what_pyproject_pins(path):
    packages = next(d["pip"] for d in yaml.safe_load(path.read_text())["dependencies"] if isinstance(d, dict))
    assert packages and set(packages) <= set(PINS)


def test_every_rule_names_an_environment_that_is_there():
    named = {
        line.strip().strip('"').removeprefix("../../envs/")
        for rules in (ROOT / "workflow/rules").glob("*.smk")
        for line in rules.read_text().splitlines()
        if "../../envs/" in line
    }
    assert named == {path.name for path in (ROOT / "envs").glob("*.yaml")}


def commands() -> dict[str, set[str]]:
    """The subcommands that the rules of each environment run."""
    found: dict[str, set[str]] = {}
    for rules in (ROOT / "workflow/rules").glob("*.smk"):
        for rule in re.split(r"^ *rule\b", rules.read_text(), flags=re.M)[1:]:
            if environment := re.search(r"envs/(\S+\.yaml)", rule):
                for verb in re.findall(r"[\"}] ?l2l (\S+)", rule):
                    found.setdefault(environment[1], set()).update(LOOPS.get(verb, {verb}))
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """What a piece of code imports, wherever in it, and the backends that it may choose from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("l2l"))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "backends.load":
            step = node.args[0]
            assert isinstance(step, ast.Constant)
            yield from (backend.module for backend in BACKENDS[step.value].values())


@functools.cache
def imported_by(module: str) -> list[str]:
    """What a module of the package imports; nothing for a name that is not a module."""
    path = ROOT / (module.replace(".", "/") + ".py")
    inside = imports(ast.parse(path.read_text())) if path.exists() else ()
    return [name for name in inside if (module, name) not in NOT_IN_RULES]


def needed(command: str) -> set[str]:
    """Distributions whose modules a subcommand may import, directly; what those need in turn is pip's business."""
    # Of the command line's own modules, what every command imports at the top, what this one does, and its settings.
    trees = [ast.parse(path.read_text()) for path in (ROOT / "l2l/cli").glob("*.py")]
    waiting = [name for tree in trees for node in tree.body if isinstance(node, TOP) for name in imports(node)]
    for code in (cli.app[command].default_command, Options):
        waiting += imports(ast.parse(textwrap.dedent(inspect.getsource(code))))
    seen, found, distributions = set(), set(), DISTRIBUTIONS
    while waiting:
        module = waiting.pop()
        if module in seen or module.startswith("l2l.cli"):
            continue
        seen.add(module)
        if module.startswith("l2l"):
            waiting += imported_by(module)
        elif (top := module.split(".")[0]) not in sys.stdlib_module_names:
            name = distributions[top][0].lower().replace("_", "-")
            found.add(COMES_WITH.get(name, name))
    return found


@pytest.mark.parametrize("environment", commands())
def test_a_conda_environment_holds_what_its_rules_import(environment):
    content = yaml.safe_load((ROOT / "envs" / environment).read_text())
    packages = next(d["pip"] for d in content["dependencies"] if isinstance(d, dict))
    there = {re.split(r"[=\[]", pin)[0].lower().replace("_", "-") for pin in packages}
    missing = {command: needed(command) - there for command in commands()[environment]}
    assert not any(missing.values()), missing


def pinned(file: str) -> dict[str, str]:
    """The versions in a list of constraints, by name."""
    lines = (ROOT / file).read_text().lower().splitlines()
    pins = (re.match(r"([^\s=#]+)==([^\s;]+)", line) for line in lines)
    return {pin[1].replace("_", "-").replace(".", "-"): pin[2] for pin in pins if pin}


def test_the_list_with_hashes_is_the_other_and_what_cuda_needs():
    """On Linux torch also asks for CUDA and setuptools, which constraints.txt leaves to torch's own pins."""
    plain, hashed = pinned("constraints.txt"), pinned("constraints-hashes.txt")
    assert plain.items() <= hashed.items()
    more = [name for name in hashed.keys() - plain if not name.startswith(("nvidia-", "cuda-"))]
    assert set(more) <= {"triton", "setuptools"}


def test_every_pin_has_a_hash_and_no_line_says_where_to_get_it():
    text = (ROOT / "constraints-hashes.txt").read_text()
    assert "://" not in text
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.fullmatch(r"[\w.-]+==\S+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+", entry), entry[:200]


def test_constraints_agree_with_exact_pins():
    constraints = pinned("constraints.txt")
    for pin in PINS:
        name, exact, version = pin.lower().partition("==")
        if exact and "*" not in version:
            assert constraints[name.replace("_", "-")] == version, pin


def test_nothing_tracked_is_large():
    import subprocess

    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    large = [name for name in listed.split("\0") if name and (ROOT / name).stat().st_size > 1_000_000]
    assert not large
