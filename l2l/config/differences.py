"""What of the settings differs from the defaults, and whether results depend on it.

- A step's command receives its differences only, as `--set section.key=value`.
- No result depends on a machine key (threads, device ...), nor on a key of an architecture or backend that is not the
  chosen one: when such a key changes, nothing has to be done again. `l2l.config.section.key` marks both.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from l2l.config.load import merge
from l2l.config.section import Section
from l2l.config.settings import Settings


def differences(
    settings: Settings, sections: tuple[str, ...], decisive: bool | None = None, also_defaults: bool = False
) -> dict[str, Any]:
    """The values that are not the defaults, by dotted key, in these sections (`mel`) or keys (`seed`, `mel.hop`).

    decisive: only those on which results depend (True), or only the others (False). KeyError for an unknown section.
    also_defaults: all values, for what must notice when a release changes a default.
    """
    defaults = {key: value for key, value, _ in _keys(Settings(), {""})}
    if unknown := [section for section in sections if not any(_inside(key, section) for key in defaults)]:
        raise KeyError(*unknown)
    return {
        key: value
        for key, value, decides in _keys(settings, {settings.architecture})
        if (also_defaults or value != defaults[key])
        and decisive in (None, decides)
        and any(_inside(key, part) for part in sections)
    }


result_settings = partial(differences, decisive=True)  # what a step's results depend on
other_settings = partial(differences, decisive=False)  # machine keys, and what is not the chosen backend's


def _inside(key: str, section: str) -> bool:
    return f"{key}.".startswith(f"{section}.")


def _keys(
    section: Section, chosen: set[str], prefix: str = "", decides: bool = True
) -> Iterator[tuple[str, Any, bool]]:
    """(dotted key, value, whether results depend on it) of every key; chosen: architecture and backends in use."""
    for name, field in type(section).model_fields.items():
        value, extra = getattr(section, name), field.json_schema_extra
        marks = extra if isinstance(extra, dict) else {}
        own = decides and not marks.get("machine") and marks.get("of") in (None, *chosen)
        if isinstance(value, Section):
            yield from _keys(value, {*chosen, getattr(value, "backend", "")}, f"{prefix}{name}.", own)
        else:
            yield f"{prefix}{name}", value, own


def as_pairs(found: dict[str, Any]) -> list[str]:
    """`section.key=value` of each difference, for `--set`."""
    return [f"{key}={value}" for key, value in found.items()]


def nested(found: dict[str, Any]) -> dict[str, Any]:
    """Differences as sections in sections, as in a YAML file."""
    top: dict[str, Any] = {}
    for key, value in found.items():
        for part in reversed(key.split(".")):
            value = {part: value}
        top = merge(top, value)
    return top
