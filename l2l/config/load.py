"""YAML files and presets, merging them, and checking them: the first fault becomes one sentence."""

import difflib
import os
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from l2l.config.section import Section
from l2l.errors import UserError

S = TypeVar("S", bound=Section)
Preset = Literal["modern", "released"]

_MOST = 100_000  # values in a file
_LARGEST = 1 << 20  # bytes of a file


class _Loader(yaml.SafeLoader):
    """YAML in which a key that is there twice is an error; YAML itself would let the last one win."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node, seen = super().compose_mapping_node(anchor), set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # refused later, when the mapping is built
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice; keep one of them", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return node


def parse(text: str) -> Any:
    """What a text in YAML says. Raises yaml.YAMLError, also for one that says more than a configuration ever does."""
    try:
        values = yaml.load(text, _Loader)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    waiting, count = [values], 0
    while waiting:  # an alias in an alias in an alias would be a billion values once they are merged
        value, count = waiting.pop(), count + 1
        if count > _MOST:
            raise yaml.YAMLError(f"it has more than {_MOST} values")
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return values


def load(path: str | Path) -> dict[str, Any]:
    """The keys and values of a YAML file. Raises UserError naming the file, and the line where it is wrong."""
    try:
        if os.path.getsize(path) > _LARGEST:
            raise UserError(f"{path} has more than {_LARGEST >> 20} MiB, so it is no configuration; check the path.")
        values = parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); give the path of a YAML file. `l2l config --defaults` has all settings."
        ) from None
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise UserError(f"{path} is not valid YAML{line}: {problem or ' '.join(str(error).split())}.") from None
    if not isinstance(values, dict | None):
        raise UserError(f"{path}: expected keys and values at the top level.")
    return values or {}


def preset(name: Preset) -> dict[str, Any]:
    """The settings that a preset changes; `modern` changes none."""
    return {} if name == "modern" else load(Path(__file__).parent / "presets" / f"{name}.yaml")


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, section by section."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def check(model: type[S], values: Any, where: str) -> S:
    """The values as a validated section. Raises UserError, one sentence that names the first wrong key."""
    if not isinstance(values, dict):
        raise UserError(f"{where}: expected keys and values, found {type(values).__name__}.")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UserError(f"{where}: {_sentence(error, model)}") from None


def _sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault, as a sentence that names the key."""
    fault, *others = error.errors()
    location, messages = [str(part) for part in fault["loc"]], [fault["msg"].removeprefix("Value error, ")]
    if location and location[-1].startswith("literal["):  # a word or a number: neither of the two
        location = location[:-1]
        messages += [
            other["msg"].removeprefix("Input should be ") for other in others if other["loc"][:-1] == fault["loc"][:-1]
        ]
    key, message = ".".join(location), " or ".join(messages)
    if fault["type"] == "extra_forbidden":
        keys = _keys(model)
        last = {name.rpartition(".")[2] for name in keys}
        near = difflib.get_close_matches(key, keys) or difflib.get_close_matches(location[-1], last)
        return f"unknown key {key!r}; {f'did you mean {near[0]!r}?' if near else 'docs/settings.md lists the keys.'}"
    if not location:  # a fault of several keys names them itself
        return f"{message}."
    given = "" if isinstance(fault["input"], (dict, BaseModel)) else f", not {fault['input']!r}"
    return f"key {key!r}: {message[0].lower()}{message[1:]}{given}."


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All dotted keys of a section and of those inside it, also of those by name (`people.listener`)."""
    keys = []
    for name, field in model.model_fields.items():
        keys.append(prefix + name)
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                keys += _keys(kind, f"{prefix}{name}.")
    return keys
