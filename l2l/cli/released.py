"""Commands for the released program's files: its training and test, import and export.

Paths in a JSON configuration count from `--root` (default: the current folder), which is where the original's test ran;
the codebook's count from `vqgan/` inside it (see `l2l.released.config`).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token, convert
from cyclopts.types import ExistingDirectory

from l2l.cli.options import Names, Paths, about
from l2l.sides import SIDES, Side, published

Json = Annotated[Path, Parameter(name="--config", help="the original's JSON configuration")]
Root = Annotated[ExistingDirectory, about("folder that the configuration's paths count from")]
Changes = Annotated[Names, Parameter(name="--set", help="KEY=VALUE, any number, e.g. seed=3")]
Draw = Annotated[int | None, Parameter(name="--sample_idx", help="keep the last of k + 1 different draws")]
HERE = Path(".")


def _side(kind: Any, tokens: Sequence[Token]) -> Any:
    """left or right, also of p0 or p1, as old command lines have it."""
    words = {published(side): side for side in SIDES}
    return convert(kind, [words.get(token.value, token.value) for token in tokens])


PublishedSide = Annotated[Side, Parameter(converter=_side)]


def fetch_models(person: str, /, *, data: Path = Path("data"), configs: Paths = ()) -> None:
    """Unpack and check the released models of one person.

    Args:
        person: conan, fallon, stephen or trevor
        data: folder of <person>_models.tar
        configs: configuration .json files, if not in the archive
    """
    from l2l.released.archive import fetch_models

    folder, new = fetch_models(person, data, list(configs))
    print(f"{folder}: {'unpacked and checked' if new else 'there already'}")


def import_released(folder: Path, /, *, listener: Side, out: Path) -> None:
    """Turn released models into codebook.pt and predictor.pt.

    Args:
        folder: folder with codebook.{pth,json}, predictor.{pth,json} and their *_core.npz
        out: folder for codebook.pt and predictor.pt
    """
    from l2l.released.archive import import_folder

    import_folder(folder, listener, out)


def import_config(json: Path, /, *, out: Path | None = None) -> None:
    """Turn a released JSON configuration into settings.

    Args:
        json: a codebook or predictor configuration
        out: a YAML file to lay over config.yaml; default: print it
    """
    import yaml

    from l2l.files import atomic
    from l2l.released.config import overlay, read_config

    found = read_config(json)
    lines = [f"# {json.name}, a {found.stage} configuration of the released program, as settings of l2l."]
    if "data.speaker" in found.values:
        lines.append(f"# data.speaker is {found.values['data.speaker']}: the listener sits on the {found.listener}.")
    lines += [f"# unknown key, which changes nothing: {key}" for key in found.unknown]
    text = "\n".join(lines) + "\n" + yaml.safe_dump(overlay(found), sort_keys=False)
    if out is None:
        sys.stdout.write(text)
        return
    with atomic(out) as partial:
        partial.write_text(text, encoding="utf-8")


def export_pkl(results: Path, /, *, out: Path = Path("outputs")) -> None:
    """Write results as the released program's pickles, one per frame.

    Args:
        results: the .npz of `l2l released test --save`
    """
    from l2l.released.test import export_pickles

    print(f"{export_pickles(results, out)} files under {out}")


def train_codebook(*, json: Json, root: Root = HERE, changes: Changes = ()) -> None:
    """Train a codebook as the original did."""
    from l2l.released.runs import train_released_codebook

    # The original trained its codebook from inside vqgan/: then the folder above is meant.
    root = root.resolve()
    print(train_released_codebook(json, root.parent if root.name == "vqgan" else root, changes))


def train_predictor(*, json: Json, root: Root = HERE, changes: Changes = ()) -> None:
    """Train a predictor as the original did."""
    from l2l.released.runs import train_released_predictor

    print(train_released_predictor(json, root, changes))


def test(
    *,
    json: Json,
    root: Root = HERE,
    changes: Changes = (),
    checkpoint: Annotated[Path, about("the predictor's .pth")],
    speaker: Annotated[str, about("whose test windows: a folder of data/")],
    etag: Annotated[str, about("put before the name of the results")] = "",
    sample_idx: Draw = None,
    save: Annotated[bool, about("write outputs/<etag><tag>predicted.npz")] = False,
) -> None:
    """Sample and score the test windows as the original did."""
    from l2l.released.test import released_test

    if sample_idx is not None:
        changes = (*changes, f"sampling.sample_idx={sample_idx}")
    score, out = released_test(json, checkpoint, speaker, root, changes, etag, save=save)
    print(f"overall l2: {score:.6f}" + (f", results in {out}" if out else ""))


def import_(
    *,
    codebook_pth: Path,
    codebook_npz: Path,
    predictor_pth: Path,
    predictor_npz: Path,
    codebook_json: Path,
    predictor_json: Path,
    listener: PublishedSide,
    padding: Annotated[Literal["replicate", "zeros"], about("of the convolutions")] = "replicate",
    out: Annotated[Path, about("folder for both")],
) -> None:
    """Turn released models, wherever their files are, into codebook.pt and predictor.pt."""
    from l2l.released.config import read_config
    from l2l.released.convert import Files, import_released_pair

    codebook = Files(codebook_pth, codebook_npz, read_config(codebook_json, "codebook"))
    predictor = Files(predictor_pth, predictor_npz, read_config(predictor_json, "predictor"))
    import_released_pair(codebook, predictor, out, listener, padding)


def export(
    *, codebook: Path, predictor: Path, codebook_pth: Path, codebook_npz: Path, predictor_pth: Path, predictor_npz: Path
) -> None:
    """Turn codebook.pt and predictor.pt into the original's files."""
    from l2l.released.convert import export_released

    export_released(codebook, predictor, codebook_pth, codebook_npz, predictor_pth, predictor_npz)
