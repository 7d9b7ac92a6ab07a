"""Commands for data that is already measured: the published people, arrays made elsewhere, several people together."""

from pathlib import Path

from l2l.cli.options import DEFAULTS, Names, Options
from l2l.errors import UserError
from l2l.sides import SIDES, Side


def fetch(people: Names, /, *, data: Path = Path("data")) -> None:
    """Put published data at data/<person>, from an archive there or the net.

    Args:
        people: conan, devi2, fallon, kimmel, stephen, trevor, or all
    """
    from l2l.config import published as catalogue
    from l2l.dataset import published

    names = tuple(catalogue.published()) if "all" in people else people
    refused = {}
    for name in dict.fromkeys(names):
        try:
            new = published.fetch(name, data)
        except UserError as error:
            if len(names) == 1:
                raise
            refused[name] = str(error)
            print(f"{name}: {error}")
        else:
            print(f"{data / name}: {'unpacked and checked' if new else 'there already'}")
    if refused:
        raise UserError(f"{len(refused)} of {len(names)} could not be had ({', '.join(refused)}); see above.")


def chunk_arrays(
    arrays: Path, /, *, train: Names = (), test: Names = (), listener: Side, out: Path, options: Options = DEFAULTS
) -> None:
    """Cut arrays made by hand into windows.

    Args:
        arrays: folder with one folder per recording
        test: names of the recordings for testing; default: a share of all, if --train is not given either
        out: folder for train/ and test/
    """
    from l2l.dataset.by_hand import chunk_arrays, split_recordings

    chunking = options.read().chunking
    split: dict = {"train": train, "test": test}
    if not train and not test:
        split = dict(split_recordings(arrays, (), chunking.test_share))
    counts = chunk_arrays(arrays, split, out, listener, chunking)
    print(f"{out}: {counts['train']} training and {counts['test']} test windows")


def gather(people: Names, /, *, out: Path) -> None:
    """Put several people's windows and whole conversations together, for one model of all.

    Args:
        people: NAME=FOLDER:SIDE, e.g. conan=data/conan:left, where the person sits on that side
        out: folder for train/, test/ and conversations/; the person on the left listens there
    """
    from l2l.dataset.together import gather

    places: dict[str, tuple[Path, Side]] = {}
    for word in people:
        name, _, place = word.partition("=")
        folder, _, side = place.rpartition(":")
        if side not in SIDES or not folder:
            raise UserError(f"{word!r} does not say whose windows lie where; write e.g. {name}=data/{name}:right.")
        places[name] = (Path(folder), "left" if side == "left" else "right")
    counts = gather(places, out)
    print(f"{out}: {counts['train']} training and {counts['test']} test windows of {', '.join(places)}")


def forget(person: str, /, *, config: Path = Path("config.yaml"), yes: bool = False) -> None:
    """List everything that is kept of a person; with --yes, delete it.

    Args:
        config: says which models have learned from several people
        yes: delete what is listed
    """
    from l2l.config import validate
    from l2l.config.load import load
    from l2l.recordings.forget import forget, kept_of, size

    places = kept_of(person, validate(load(config), str(config)))
    for path, what in places.items():
        print(f"{path}  {size(path) / 1e6:.1f} MB: {what}")
    if not places:
        print(f"Nothing is kept of {person}.")
    elif yes:
        forget(places)
        print(f"All of this is deleted. Take {person} out of {config} too, or the next run makes it again.")
    else:
        print("Nothing is deleted yet: look at the list, then run the same command with --yes.")
