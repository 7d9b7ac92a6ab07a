"""Commands for settings and for the weight files that are not ours."""

import json
from pathlib import Path
from typing import Literal

from l2l.cli.options import Names
from l2l.errors import UserError


def config(file: Path = Path("config.yaml"), /, *, schema: bool = False, defaults: bool = False) -> None:
    """Validate a configuration file, or print what it may hold.

    Args:
        schema: print the JSON schema
        defaults: print every setting with its default and its meaning
    """
    from l2l.config import Config, load, validate
    from l2l.config.reference import reference

    if schema:
        print(json.dumps(Config.model_json_schema(), indent=2))
    elif defaults:
        print(reference(), end="")
    else:
        found = validate(load(file), str(file))
        print(f"{file}: in order; people: {', '.join(found.people) or 'none'}")


def weights(action: Literal["list", "fetch", "import-flame"] = "list", names: Names = (), /) -> None:
    """List the weight files, fetch some, or convert FLAME's.

    Args:
        names: what to fetch; for import-flame, generic_model.pkl of FLAME 2020
    """
    from l2l.weights import catalogue

    if action == "list":
        for name, entry in catalogue.catalogue().items():
            print(f"{name:20} {catalogue.status(name):10} {entry['licence']:20} {entry['what']}")
    elif action == "fetch":
        for name in names:
            catalogue.fetch(name)
    else:
        from l2l.weights.flame_import import import_flame

        if len(names) != 1:
            raise UserError("import-flame takes one path: generic_model.pkl of FLAME 2020.")
        out = catalogue.folder() / "flame/flame.npz"
        import_flame(Path(names[0]), out)
        print(f"{out}: made of {names[0]}, which is no longer needed")
