"""The command for the files that are not ours: list them, fetch them, convert those that come in another form."""

import argparse
from collections.abc import Callable
from pathlib import Path

from l2l.errors import UserError

Arguments = argparse.Namespace


def weights(args: Arguments) -> None:
    from l2l.weights import catalogue as weights

    if args.action == "list":
        for name, entry in weights.catalogue().items():
            print(f"{name:20} {weights.status(name):10} {entry['licence']:20} {entry['what']}")
    elif args.action == "fetch":
        for name in args.names:
            weights.fetch(name)
    else:
        _convert(args.names)


def _convert(names: list[str]) -> None:
    from l2l.weights import catalogue as weights
    from l2l.weights.flame_import import import_flame

    if len(names) != 1:
        raise UserError("import-flame takes one path: generic_model.pkl of FLAME 2020.")
    out = weights.folder() / "flame/flame.npz"
    import_flame(Path(names[0]), out)
    print(f"{out}: made of {names[0]}, which is no longer needed")


def register(add: Callable[..., Callable[..., None]]) -> None:
    """Add the command to the command line; `add` is that of l2l.cli.main."""
    arg = add(
        "weights", weights, "list the weight files, fetch some, or convert what came in another form", settings=False
    )
    actions = ("list", "fetch", "import-flame")
    arg("action", nargs="?", choices=actions, default="list", help="default: list")
    arg("names", nargs="*", type=str, help="what to fetch; generic_model.pkl of FLAME 2020")
