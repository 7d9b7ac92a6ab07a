"""The commands for published data, arrays made by hand, and released models; they parse and call, nothing else."""

import argparse
from collections.abc import Callable
from pathlib import Path

from l2l.errors import UserError

Arguments = argparse.Namespace


def fetch(args: Arguments) -> None:
    from l2l.config import published as catalogue
    from l2l.dataset import published

    names = list(catalogue.published()) if "all" in args.people else args.people
    refused = {}
    for name in dict.fromkeys(names):
        try:
            new = published.fetch(name, args.data)
        except UserError as error:
            if len(names) == 1:
                raise
            refused[name] = str(error)
            print(f"{name}: {error}")
        else:
            print(f"{args.data / name}: {'unpacked and checked' if new else 'there already'}")
    if refused:
        raise UserError(f"{len(refused)} of {len(names)} could not be had ({', '.join(refused)}); see above.")


def chunk_arrays(args: Arguments) -> None:
    from l2l.dataset.by_hand import chunk_arrays, split_recordings

    split: dict = {"train": args.train, "test": args.test}
    if not args.train and not args.test:
        split = dict(split_recordings(args.arrays, (), args.settings.chunking.test_share))
    counts = chunk_arrays(args.arrays, split, args.out, args.listener, args.settings.chunking)
    print(f"{args.out}: {counts['train']} training and {counts['test']} test windows")


def fetch_models(args: Arguments) -> None:
    from l2l.released.archive import fetch_models

    print(f"{fetch_models(args.person, args.data, args.configs)}: unpacked and checked")


def import_released(args: Arguments) -> None:
    from l2l.released.archive import import_folder

    import_folder(args.folder, args.listener, args.out)


def register(add: Callable[..., Callable[..., None]]) -> None:
    """Add these commands to the command line; `add` is that of l2l.cli.main."""
    side = {"choices": ("left", "right"), "help": "who listens: the person on the left or on the right"}

    arg = add("fetch", fetch, "put published data at data/<person>, from an archive there or the net", settings=False)
    arg("people", nargs="+", type=str, metavar="PERSON", help="conan, devi2, fallon, kimmel, stephen, trevor or all")
    arg("--data", default=Path("data"), metavar="FOLDER", help="folder of archives and people; default: data")

    arg = add("chunk-arrays", chunk_arrays, "cut arrays made by hand into windows in the published format")
    arg("arrays", help="folder with one folder per recording")
    arg("--train", nargs="*", type=str, default=[], metavar="NAME", help="recordings for training")
    arg("--test", nargs="*", type=str, default=[], metavar="NAME", help="recordings for testing; none: a share of them")
    arg("--listener", **side)
    arg("--out", help="folder for train/ and test/")

    arg = add("fetch-models", fetch_models, "unpack and check the released models of one person", settings=False)
    arg("person", type=str, metavar="PERSON", help="conan, fallon, stephen or trevor")
    arg("--data", default=Path("data"), metavar="FOLDER", help="folder of <person>_models.tar; default: data")
    arg("--configs", nargs="+", default=[], metavar="FILE", help="configuration .json files, if not in the archive")

    arg = add(
        "import-released", import_released, "turn released models into codebook.pt and predictor.pt", settings=False
    )
    arg("folder", help="folder with codebook.{pth,json}, predictor.{pth,json} and their *_core.npz")
    arg("--listener", **side)
    arg("--out", help="folder for codebook.pt, predictor.pt")
