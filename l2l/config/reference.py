"""docs/settings.md: every setting with its default, its meaning and its limits. `l2l config --defaults` prints it."""

import json
from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from l2l.config.config import Config
from l2l.config.people import Person

_TOP = """# Settings

This page is generated: `l2l config --defaults > docs/settings.md`.

`config.yaml` needs only what differs from the defaults below. Each setting can stand there for everyone, and under
`people.<name>.overrides` for one person; a command takes it as `--set mel.hop=320`. A preset is a set of such settings:
[small](../l2l/config/presets/small.yaml), [released](../l2l/config/presets/released.yaml). Single settings win over the
preset, the preset wins over `config.yaml`.

When a setting changes, the workflow runs the steps again that depend on it. No result depends on the settings marked
"machine", nor on those of a backend or architecture that is not chosen: they run nothing again.
"""
_LIMITS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
    "multipleOf": "a multiple of",
}


def reference() -> str:
    """The page, in Markdown; each section is a block of YAML that can be pasted into config.yaml."""
    config = Config()
    sections = {
        name: value for name in type(config).model_fields if isinstance(value := getattr(config, name), BaseModel)
    }
    plain = _block(config, leave_out={*sections, "people"})
    parts = [
        _TOP,
        _part("people.&lt;name&gt;", Person, _block(Person(listener="left"), indent="    "), "people:\n  alice:\n"),
    ]
    parts.append(f"## At the top\n\n```yaml\n{plain}```\n")
    parts += [_part(name, type(section), _block(section, "  "), f"{name}:\n") for name, section in sections.items()]
    return "\n".join(parts)


def _part(title: str, section: type[BaseModel], block: str, above: str) -> str:
    return f"## {title}\n\n{(section.__doc__ or '').strip()}\n\n```yaml\n{above}{block}```\n"


def _block(section: BaseModel, indent: str = "", leave_out: Collection[str] = ()) -> str:
    """The keys of a section as lines of YAML, each with a comment; sections inside it follow, further to the right."""
    lines, schema = "", type(section).model_json_schema()["properties"]
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if name in leave_out:
            continue
        if isinstance(value, BaseModel):
            lines += f"{indent}{name}: # {field.description or type(value).__doc__}\n{_block(value, indent + '  ')}"
        else:
            key = f"{indent}{name}: {value if isinstance(value, str) else json.dumps(value)}"
            lines += f"{key:<36} # {field.description}{_notes(schema[name], field.description or '')}\n"
    return lines


def _notes(schema: dict[str, Any], meaning: str) -> str:
    """Choices that the meaning does not name, limits, and when no result depends on it."""
    choices = [str(choice) for choice in schema.get("enum", ())]
    notes = [" | ".join(choices)] if any(choice not in meaning for choice in choices) else []
    if {"minimum", "maximum"} <= set(schema):
        notes.append(f"{schema['minimum']} to {schema['maximum']}")
    else:
        notes += [f"{sign} {schema[word]}" for word, sign in _LIMITS.items() if word in schema]
    notes += [f"{schema['of']} only"] if "of" in schema else []
    notes += ["machine"] if "machine" in schema else []
    return f" ({', '.join(notes)})" if notes else ""
