"""The pins are the same everywhere they are written down."""

import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
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


def test_constraints_agree_with_exact_pins():
    constraints = dict(
        line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    for pin in PINS:
        name, exact, version = pin.lower().partition("==")
        if exact and "*" not in version:
            assert constraints[name.replace("_", "-")] == version, pin


def test_nothing_tracked_is_large():
    import subprocess

    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    large = [name for name in listed.split("\0") if name and (ROOT / name).stat().st_size > 1_000_000]
    assert not large
