"""The command for the files that are not ours: list them, fetch them, convert one that comes in another form."""

from pathlib import Path
from typing import Annotated, Literal

from l2l.cli.options import Names, about
from l2l.errors import UserError


def weights(
    action: Literal["list", "fetch", "import-flame"] = "list",
    names: Annotated[Names, about("what to fetch; for import-flame, generic_model.pkl of FLAME 2020")] = (),
    /,
) -> None:
    """List the weight files, fetch some, or convert what came in another form."""
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
