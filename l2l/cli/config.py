"""The command that validates and explains the configuration."""

import json
from pathlib import Path
from typing import Annotated

from l2l.cli.options import about


def config(
    file: Path = Path("config.yaml"),
    /,
    *,
    schema: Annotated[bool, about("print the JSON schema")] = False,
    defaults: Annotated[bool, about("print every setting with its default and its meaning")] = False,
) -> None:
    """Validate a configuration file, or print the schema or the defaults."""
    from l2l.config import Config, load, validate
    from l2l.config.reference import reference

    if schema:
        print(json.dumps(Config.model_json_schema(), indent=2))
    elif defaults:
        print(reference(), end="")
    else:
        found = validate(load(file), str(file))
        print(f"{file}: in order; people: {', '.join(found.people) or 'none'}")
