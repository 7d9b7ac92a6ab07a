"""fetch-models: the released models of one person, from the authors' archive to six files with plain names.

- The archive lies on a personal drive: a person downloads it and puts it at data/<person>_models.tar. The
  configurations may be in it, in data/<person>_configs.tar, or given as .json files.
- The files must belong together: names (a checkpoint is <tag><pipeline>_best.pth), the codebook that the predictor
  names, the person; and they must load, as they will when they are imported.

Run it alone: `l2l fetch-models conan`, then `l2l import-released third_party/weights/released/conan ...`.
"""

import contextlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from l2l.config.published import MODEL_FILES, entry, models_folder, placed_archive, published
from l2l.errors import UserError
from l2l.files import scratch
from l2l.released.config import STAGES, leaves, read_config, read_json
from l2l.released.convert import Files, ReleasedPair, import_released_pair
from l2l.sides import Side
from l2l.weights.archives import Archive, open_archive

_MAX_JSON = 1 << 16  # bytes; other files of that name are no configurations


def fetch_models(person: str, data: Path, configs: Sequence[Path] = ()) -> tuple[Path, bool]:
    """Unpack and check the released models of `person`.

    Returns their folder, which appears whole or not at all, and False when all of them are there already. Raises
    UserError that says where to put the archive, or what does not belong together.
    """
    page, out = entry(person).models, models_folder(person)
    if page is None:
        some = ", ".join(name for name, known in published().items() if known.models)
        raise UserError(f"no models of {person} were released; there are some of {some}.")
    if not configs and all((out / name).is_file() for name in MODEL_FILES):
        return out, False
    if out.exists():
        raise UserError(f"{out} is there already; move it away to unpack the models again.")
    found = [placed_archive(data, f"{person}_{kind}") for kind in ("models", "configs")]
    if found[0] is None:
        raise UserError(f"{data / person}_models.tar is missing; download it by hand from {page} and put it there.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with scratch(out.parent) as work, contextlib.ExitStack() as stack:
        archives = [stack.enter_context(open_archive(path)) for path in found if path]
        try:
            _unpack(person, archives, configs, work)
        except UserError as error:  # name the archive, not the temporary folder
            raise UserError(re.sub(rf"{re.escape(str(work))}/(\d+/)*", f"{found[0]}: ", str(error))) from None
        (work / "ready").rename(out)
    return out, True


def import_folder(source: Path, listener: Side, out: Path) -> None:
    """Six released files -> out/codebook.pt and out/predictor.pt. Raises UserError naming what is wrong with one."""
    codebook, predictor = (
        Files(source / f"{stage}.pth", source / f"{stage}_core.npz", read_config(source / f"{stage}.json", stage))
        for stage in STAGES
    )
    import_released_pair(codebook, predictor, out, listener)


def _unpack(person: str, archives: list[Archive], configs: Sequence[Path], work: Path) -> None:
    """Both models to work/ready, under their plain names, once they have been loaded together."""
    paths = list(configs)
    for number, archive in enumerate(archives):
        names = [name for name in archive.files if name.suffix == ".json" and not name.name.startswith(".")]
        small = [name for name in names if archive.files[name].size <= _MAX_JSON]
        chosen = {name: work / str(number) / str(index) / name.name for index, name in enumerate(small)}
        paths += [path for _, path in archive.extract(chosen)]
    found = tuple(map(read_config, _pair(person, {path: dict(leaves(read_json(path))) for path in paths})))
    files: dict[str, Path] = {}
    for config in found:
        for end, plain in (("_best.pth", ".pth"), ("_preprocess_core.npz", "_core.npz")):
            files[config.stage + plain] = _take(archives, config.stem + end, work, config.path)
    codebook, predictor = (Files(files[f"{c.stage}.pth"], files[f"{c.stage}_core.npz"], c) for c in found)
    ReleasedPair(codebook, predictor)  # raises when they do not fit each other
    (work / "ready").mkdir()
    for name, path in (files | {f"{config.stage}.json": config.path for config in found}).items():
        shutil.copyfile(path, work / "ready" / name) if path in configs else path.rename(work / "ready" / name)


def _pair(person: str, found: dict[Path, dict[str, Any]]) -> tuple[Path, Path]:
    """The configurations of the person's codebook and predictor; the predictor names its codebook."""
    hint = f"put {person}_configs.tar beside the archive, or give the .json files with --configs"

    def choose(what: str, paths: list[Path]) -> Path:
        of_person = [path for path in paths if found[path].get("data.speaker") == person]
        if paths and not of_person:
            other = found[paths[0]].get("data.speaker")
            raise UserError(f"{paths[0]} is about {other!a}, not {person}; is it the right file?")
        if len(of_person) != 1:
            raise UserError(f"there are {len(of_person)} {what} of {person}, not one; {hint}.")
        return of_person[0]

    stages = {path: {key.partition(".")[0] for key in values} for path, values in found.items()}
    predictor = choose("predictor configurations", [path for path in found if "fact_model" in stages[path]])
    wanted = PurePosixPath(str(found[predictor].get("l_vqconfig"))).name
    codebooks = [path for path in found if "VQuantizer" in stages[path] and path.name == wanted]
    return choose(f"codebook configurations {wanted!a} (which {predictor} names)", codebooks), predictor


def _take(archives: list[Archive], file: str, work: Path, config: Path) -> Path:
    """Unpack the one member that is called `file`."""
    found = [(archive, name) for archive in archives for name in archive.files if name.name == file]
    if len(found) != 1:
        raise UserError(f"{config} belongs to {file!a}, of which the archive holds {len(found)}; get both together.")
    archive, name = found[0]
    list(archive.extract({name: work / file}))
    return work / file
