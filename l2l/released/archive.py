"""fetch-models: the released models of one person, from the authors' archive to six files with plain names.

- The archive lies on a personal drive: a person downloads it and puts it at data/<person>_models.tar. The
  configurations may be in it, in data/<person>_configs.tar, or given as .json files.
- The files must belong together: names (a checkpoint is <tag><pipeline>_best.pth), the codebook that the predictor
  names, the person, and the shapes of the weights.

Run it alone: `l2l fetch-models conan`, then `l2l import-released third_party/weights/released/conan ...`.
"""

import contextlib
import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch

from l2l.config.published import MODEL_FILES, entry, models_folder, placed_archive, published
from l2l.errors import UserError
from l2l.sides import Side
from l2l.units import MEL_BANDS, MODEL_DIM
from l2l.weights.archives import Archive, Limits, open_archive

_MAX_JSON, _MAX_NPZ = 1 << 16, 1 << 20
_LIMITS = Limits(members=500, bytes=8 << 30)
_STATISTICS = {"codebook": ("X", "Y", "audio"), "predictor": ("X", "audio")}


@dataclass(frozen=True)
class _Config:
    """One configuration file: what it is called, what it says."""

    name: str
    values: dict[str, Any]

    @property
    def stem(self) -> str:
        """Checkpoint and statistics are called <stem>_best.pth and <stem>_preprocess_core.npz."""
        return f"{self.values.get('tag', '')}{self.values.get('pipeline', '')}"

    def get(self, *keys: str) -> Any:
        value: Any = self.values
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise UserError(f"{self.name} has no key {'.'.join(keys)}; is it the released configuration?")
            value = value[key]
        return value


def fetch_models(person: str, data: Path, configs: Sequence[Path] = ()) -> Path:
    """Unpack and check the released models of `person`; returns their folder, which appears whole or not at all.

    Raises UserError that says where to put the archive, or what does not belong together.
    """
    page, out = entry(person).models, models_folder(person)
    if page is None:
        some = ", ".join(name for name, known in published().items() if known.models)
        raise UserError(f"no models of {person} were released; there are some of {some}.")
    if out.exists():
        raise UserError(f"{out} is there already; move it away to unpack the models again.")
    archive = placed_archive(data, f"{person}_models")
    if archive is None:
        raise UserError(
            f"{data / f'{person}_models.tar'} is missing; download it by hand from {page} and put it there."
        )
    archives = [archive, *(extra for extra in [placed_archive(data, f"{person}_configs")] if extra)]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{person}.") as work, contextlib.ExitStack() as stack:
        opened = [stack.enter_context(open_archive(path, _LIMITS)) for path in archives]
        found = _read_configs(opened, configs, Path(work))
        codebook, predictor = _pair(person, found, archive)
        ready = Path(work) / "ready"
        for role, config in (("codebook", codebook), ("predictor", predictor)):
            _take(opened, f"{config.stem}_best.pth", ready / f"{role}.pth", config)
            _take(opened, f"{config.stem}_preprocess_core.npz", ready / f"{role}_core.npz", config)
            (ready / f"{role}.json").write_text(json.dumps(config.values, indent=2) + "\n", encoding="utf-8")
            _check_statistics(ready / f"{role}_core.npz", _STATISTICS[role], f"{archive}: {config.stem}")
        _check_shapes(ready, codebook, predictor, str(archive))
        ready.rename(out)
    return out


def import_folder(source: Path, listener: Side, out: Path) -> None:
    """Six released files -> out/codebook.pt and out/predictor.pt. Raises UserError naming a file that is missing."""
    # At run time only: reading checkpoints of the released program is that module's business.
    from l2l.released.convert import import_released_pair

    for name in MODEL_FILES:
        if not (source / name).is_file():
            raise UserError(f"{source / name} is missing; get it with `l2l fetch-models {source.name}`.")
    import_released_pair(
        codebook_pth=source / "codebook.pth",
        codebook_npz=source / "codebook_core.npz",
        predictor_pth=source / "predictor.pth",
        predictor_npz=source / "predictor_core.npz",
        codebook_json=source / "codebook.json",
        predictor_json=source / "predictor.json",
        out_codebook=out / "codebook.pt",
        out_predictor=out / "predictor.pt",
        listener=listener,
    )


def _read_configs(archives: list[Archive], extra: Sequence[Path], work: Path) -> list[_Config]:
    """All JSON files that are configurations of the released program."""
    paths = {str(path): path for path in extra}
    for number, archive in enumerate(archives):
        chosen = {
            name: work / f"{number}" / str(index)
            for index, name in enumerate(archive.names)
            if name.suffix == ".json" and not name.name.startswith(".") and archive.size(name) <= _MAX_JSON
        }
        paths |= {f"{archive.path}: {name}": path for name, path in archive.extract(chosen)}
    configs = []
    for name, path in paths.items():
        try:
            if path.stat().st_size > _MAX_JSON:
                raise ValueError("it is too long")
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{name} is not a readable .json file ({error}); get it again.") from None
        if isinstance(values, dict) and ("VQuantizer" in values or "fact_model" in values):
            configs.append(_Config(name, values))
    return configs


def _pair(person: str, configs: list[_Config], archive: Path) -> tuple[_Config, _Config]:
    """The configurations of the person's codebook and predictor; the predictor names its codebook."""
    hint = f"put {person}_configs.tar beside it, or give the .json files with --configs"
    of_all = [config for config in configs if "fact_model" in config.values]
    of_person = [config for config in of_all if config.get("data", "speaker") == person]
    if of_all and not of_person:
        raise UserError(
            f"{of_all[0].name} is about {of_all[0].get('data', 'speaker')!a}, not {person}; is it the right file?"
        )
    if len(of_person) != 1:
        raise UserError(f"{archive} comes with {len(of_person)} predictor configurations of {person}, not one; {hint}.")
    predictor = of_person[0]
    wanted = PurePosixPath(str(predictor.get("l_vqconfig"))).name
    named = [c for c in configs if "VQuantizer" in c.values and _file_name(c) == wanted]
    if len(named) != 1:
        raise UserError(
            f"{predictor.name} names the codebook configuration {wanted!a}, of which there are {len(named)}; {hint}."
        )
    if named[0].get("data", "speaker") != person:
        raise UserError(f"{named[0].name} is about {named[0].get('data', 'speaker')!a}, not {person}.")
    return named[0], predictor


def _file_name(config: _Config) -> str:
    return PurePosixPath(config.name.replace(": ", "/")).name


def _take(archives: list[Archive], file: str, target: Path, config: _Config) -> None:
    """Unpack the one member that is called `file`."""
    found = [(archive, name) for archive in archives for name in archive.names if name.name == file]
    if len(found) != 1:
        raise UserError(
            f"{config.name} belongs to {file!a} (its tag and pipeline), of which {archives[0].path} holds "
            f"{len(found)}; get the archive and the configuration that belong together."
        )
    archive, name = found[0]
    for _ in archive.extract({name: target}):
        pass


def _check_statistics(path: Path, names: Sequence[str], label: str) -> None:
    """Means and deviations of the inputs: there, one number per channel, finite. Raises UserError."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_NPZ:
                raise ValueError("it unpacks to more than a few numbers per channel")
        with np.load(path, allow_pickle=False) as file:
            for name in names:
                width = MEL_BANDS if name == "audio" else MODEL_DIM
                for kind in ("mean", "std"):
                    values = file[f"body_{kind}_{name}"]
                    if values.shape != (1, 1, width) or values.dtype.kind != "f" or not np.isfinite(values).all():
                        raise ValueError(f"body_{kind}_{name} is not {width} finite numbers")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{label}_preprocess_core.npz is not the released statistics ({error}).") from None


def _check_shapes(ready: Path, codebook: _Config, predictor: _Config, archive: str) -> None:
    """The weights have the sizes that the configurations state, and both models speak the same codes."""
    codes = codebook.get("VQuantizer", "n_embed")
    width = codebook.get("transformer_config", "hidden_size")
    hidden = predictor.get("fact_model", "listener_past_transformer_config", "hidden_size")
    said = predictor.get("fact_model", "cross_modal_model", "output_layer", "out_dim")
    if said != codes:
        raise UserError(f"{predictor.name} predicts {said} codes but {codebook.name} has {codes}; they do not match.")
    expected: dict[str, dict[str, tuple[Any, ...]]] = {
        "codebook": {
            "quantize.embedding.weight": (codes, codebook.get("VQuantizer", "zquant_dim")),
            "encoder.encoder_linear_embedding.net.weight": (width, width),
            "decoder.cross_smooth_layer.weight": (codebook.get("transformer_config", "in_dim"), width, 5),
        },
        "predictor": {
            "listener_past_tok_embedding.weight": (codes, hidden),
            "cross_modal_layer.cross_output_layer.weight": (codes, hidden),
        },
    }
    for role, config in (("codebook", codebook), ("predictor", predictor)):
        shapes = _weight_shapes(ready / f"{role}.pth", f"{archive}: {config.stem}_best.pth")
        for key, shape in expected[role].items():
            if shapes.get(key) != shape:
                raise UserError(
                    f"{archive}: {config.stem}_best.pth has {key} of shape {shapes.get(key)}, but {config.name} says "
                    f"{shape}; they do not belong together."
                )


def _weight_shapes(path: Path, label: str) -> dict[str, tuple[int, ...]]:
    """Shapes of a checkpoint's weights, by name; nothing in the file is run."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(info.file_size for info in archive.infolist()) > 2 * path.stat().st_size + _MAX_NPZ:
                    raise ValueError("it unpacks to far more than it has")
        content = torch.load(path, map_location="cpu", weights_only=True)
        state = content["state_dict"]
        return {key.removeprefix("module."): tuple(value.shape) for key, value in state.items()}
    except Exception as error:  # a broken or hostile pickle raises anything
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{label} is not a released checkpoint ({reason}); get it again.") from None
