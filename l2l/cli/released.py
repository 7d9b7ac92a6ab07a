"""Command lines of the released program's files: its training and test, import and export. It parses and calls.

Paths in a JSON configuration count from `--root` (default: the current folder), which is where the original's test ran;
the codebook's count from `vqgan/` inside it (see `l2l.released.config`).
"""

import argparse
import sys
from pathlib import Path

from l2l.errors import UserError

Arguments = argparse.Namespace
_MODELS = ("codebook_pth", "codebook_npz", "predictor_pth", "predictor_npz")


def import_config(args: Arguments) -> None:
    import yaml

    from l2l.files import atomic
    from l2l.released.config import overlay, read_config

    found = read_config(args.json)
    lines = [f"# {args.json.name}, a {found.stage} configuration of the released program, as settings of l2l."]
    if "data.speaker" in found.values:
        lines.append(f"# data.speaker is {found.values['data.speaker']}: the listener sits on the {found.listener}.")
    lines += [f"# unknown key, which changes nothing: {key}" for key in found.unknown]
    text = "\n".join(lines) + "\n" + yaml.safe_dump(overlay(found), sort_keys=False)
    if args.out is None:
        sys.stdout.write(text)
        return
    with atomic(args.out) as partial:
        partial.write_text(text, encoding="utf-8")


def train_codebook(args: Arguments) -> None:
    from l2l.released.runs import train_released_codebook

    print(train_released_codebook(args.json, _root(args, codebook=True), tuple(args.changes)))


def train_predictor(args: Arguments) -> None:
    from l2l.released.runs import train_released_predictor

    print(train_released_predictor(args.json, _root(args), tuple(args.changes)))


def test(args: Arguments) -> None:
    from l2l.released.test import released_test

    changes = list(args.changes)
    if args.sample_idx is not None:
        changes.append(f"sampling.sample_idx={args.sample_idx}")
    score, out = released_test(
        args.json, args.checkpoint, args.speaker, _root(args), tuple(changes), args.etag, save=args.save
    )
    print(f"overall l2: {score:.6f}" + (f", results in {out}" if out else ""))


def export_pkl(args: Arguments) -> None:
    from l2l.released.test import export_pickles

    print(f"{export_pickles(args.results, args.out)} files under {args.out}")


def import_models(args: Arguments) -> None:
    from l2l.released.convert import import_released_pair

    files = {name: getattr(args, name) for name in (*_MODELS, "codebook_json", "predictor_json")}
    outs = {"out_codebook": args.out / "codebook.pt", "out_predictor": args.out / "predictor.pt"}
    import_released_pair(**files, **outs, listener=args.listener, padding=args.padding)


def export_models(args: Arguments) -> None:
    from l2l.released.convert import export_released

    export_released(args.codebook, args.predictor, **{name: getattr(args, name) for name in _MODELS})


def _root(args: Arguments, *, codebook: bool = False) -> Path:
    """Where a configuration's paths count from. Raises UserError when it is no folder."""
    if not args.root.is_dir():
        raise UserError(f"--root {args.root} is no folder.")
    # The original trained its codebook from inside vqgan/: then the folder above is meant, if it is called so.
    inside = codebook and args.root.resolve().name == "vqgan"
    return args.root.resolve().parent if inside else args.root


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `import-config`, `export-pkl` and `released ...` to the command line."""

    def add(group: argparse._SubParsersAction, name: str, call, summary: str) -> argparse.ArgumentParser:
        command = group.add_parser(name, help=summary, description=summary)
        command.set_defaults(call=call, set=[], config=None, preset="modern")
        return command

    command = add(commands, "import-config", import_config, "turn a released JSON configuration into settings")
    command.add_argument("json", type=Path, help="a codebook or predictor configuration")
    command.add_argument("--out", type=Path, help="a YAML file to lay over config.yaml; default: print it")

    command = add(commands, "export-pkl", export_pkl, "write results as the released program's pickles, one per frame")
    command.add_argument("results", type=Path, help="the .npz of `l2l released test --save`")
    command.add_argument("--out", type=Path, default=Path("outputs"), help="folder; default: outputs")

    released = commands.add_parser("released", help="the released program's own commands and files")
    inner = released.add_subparsers(dest="released", metavar="COMMAND", required=True)
    for name, call, summary in (
        ("train-codebook", train_codebook, "train a codebook as the original did"),
        ("train-predictor", train_predictor, "train a predictor as the original did"),
        ("test", test, "sample and score the test windows as the original did"),
    ):
        command = add(inner, name, call, summary)
        # Not `config`: that is our own YAML file, which these commands do not read.
        command.add_argument(
            "--config", dest="json", type=Path, required=True, help="the original's JSON configuration"
        )
        command.add_argument("--root", type=Path, default=Path("."), help="folder its paths count from; default: here")
        command.add_argument(
            "--set", dest="changes", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="e.g. seed=3"
        )
    command.add_argument("--checkpoint", type=Path, required=True, help="the predictor's .pth")
    command.add_argument("--speaker", required=True, help="whose test windows: a folder of data/")
    command.add_argument("--etag", default="", help="put before the name of the results")
    command.add_argument("--sample_idx", "--sample-idx", type=int, help="keep the last of k + 1 different draws")
    command.add_argument("--save", action="store_true", help="write outputs/<etag><tag>predicted.npz")

    command = add(inner, "import", import_models, "turn released models into codebook.pt and predictor.pt")
    for name in (*_MODELS, "codebook_json", "predictor_json"):
        command.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True)
    command.add_argument("--listener", choices=("left", "right"), required=True, help="who listens")
    command.add_argument("--padding", choices=("replicate", "zeros"), default="replicate", help="of the convolutions")
    command.add_argument("--out", type=Path, required=True, help="folder for codebook.pt and predictor.pt")

    command = add(inner, "export", export_models, "turn codebook.pt and predictor.pt into the original's files")
    command.add_argument("--codebook", type=Path, required=True, help="codebook.pt")
    command.add_argument("--predictor", type=Path, required=True, help="predictor.pt")
    for name in _MODELS:
        command.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True)
