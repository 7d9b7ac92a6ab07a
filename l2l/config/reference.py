"""docs/settings.md: every setting with its default, its meaning and its limits. `l2l config --defaults` prints it."""

import json
from typing import Any

from l2l.config.config import Config
from l2l.config.people import Person
from l2l.config.section import Section

_TOP = """# Settings

This page is generated: `l2l config --defaults > docs/settings.md`.

`config.yaml` needs only what differs from the defaults below. Each setting can stand there for everyone, and under
`people.<name>.overrides` for one person; a command takes it as `--set mel.hop=320`. A preset is a set of such settings:
[released](../l2l/config/presets/released.yaml). Single settings win over the preset, the preset over `config.yaml`.

When a setting changes, the workflow runs the steps again that depend on it. No result depends on the settings marked
"machine", nor on those of a backend or architecture that is not chosen: they run nothing again.
"""
_LIMITS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def reference() -> str:
    """The page, in Markdown; each section is a block of YAML that can be pasted into config.yaml."""
    config = Config()
    sections = {name: value for name, value in config if isinstance(value, Section)}
    blocks = {
        "people": (Person.__doc__, "people:\n  alice:\n" + _keys(Person(listener="left"), "    ")),
        "At the top": ("Keys outside any section.", _keys(config, "", {*sections, "people"})),
        **{name: (value.__doc__, f"{name}:\n{_keys(value, '  ')}") for name, value in sections.items()},
    }
    return _TOP + "".join(f"\n## {name}\n\n{text}\n\n```yaml\n{keys}```\n" for name, (text, keys) in blocks.items())


def _keys(section: Section, indent: str, without: set[str] | None = None) -> str:
    """The keys of a section as lines of YAML, each with a comment; those of a section inside it follow, indented."""
    lines, schema = "", section.model_json_schema()["properties"]
    for name, value in section:
        about = type(section).model_fields[name].description
        if name in (without or ()):
            continue
        if isinstance(value, Section):
            lines += f"{indent}{name}: # {about or value.__doc__}\n{_keys(value, indent + '  ')}"
        else:
            key = f"{indent}{name}: {value if isinstance(value, str) else json.dumps(value)}"
            lines += f"{key:<36} # {about}{_notes(schema[name], about or '')}\n"
    return lines


def _notes(schema: dict[str, Any], meaning: str) -> str:
    """Choices that the meaning does not name, limits, and when no result depends on it."""
    for kind in schema.get("anyOf", ()):  # a word or a number
        schema = {**{word: kind[word] for word in _LIMITS if word in kind}, **schema}
    choices = [str(choice) for choice in schema.get("enum", ())]
    notes = [" | ".join(choices)] if any(choice not in meaning for choice in choices) else []
    if {"minimum", "maximum"} <= set(schema):
        notes.append(f"{schema['minimum']} to {schema['maximum']}")
    else:
        notes += [f"{sign} {schema[word]}" for word, sign in _LIMITS.items() if word in schema]
    notes += [f"{schema['of']} only"] if "of" in schema else []
    notes += ["machine"] if "machine" in schema else []
    return f" ({', '.join(notes)})" if notes else ""
