"""The configuration as text: every key with its default and its meaning, ready to paste into config.yaml."""

import json
from typing import Any

from pydantic import BaseModel

from l2l.config import Settings

_COMMENT_COLUMN = 44


def defaults_as_yaml() -> str:
    """All settings with their defaults as commented YAML; `config.yaml` is this text and the people."""
    lines: list[str] = []
    for name, field in Settings.model_fields.items():
        value = getattr(Settings(), name)
        if isinstance(value, BaseModel):
            lines += ["", f"# {(type(value).__doc__ or '').strip()}", f"{name}:"]
            lines += _section(value, "  ")
        else:
            lines.append(_line(f"{name}: {_scalar(value)}", field.description))
    return "\n".join(lines).strip() + "\n"


def _section(section: BaseModel, indent: str) -> list[str]:
    lines = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            lines += [f"{indent}{name}:", *_section(value, indent + "  ")]
        else:
            lines.append(_line(f"{indent}{name}: {_scalar(value)}", field.description))
    return lines


def _line(key: str, comment: str | None) -> str:
    return f"{key:<{_COMMENT_COLUMN}} # {comment}"


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
