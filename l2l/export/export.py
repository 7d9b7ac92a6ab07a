"""export: motion of this project in the formats of other programs (docs/export.md).

Run it alone: `l2l export results/alice --format livelink --out exports`.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from l2l import config
from l2l.errors import UserError
from l2l.export import FormatName, sources
from l2l.export.annotations import tiers
from l2l.export.take import Take
from l2l.faces.columns import NO_SHAPES
from l2l.sides import Side

ANYBODY = ("blendshapes", "landmarks", "deca")


class Format(NamedTuple):
    """How a format is written: its module has `write`, of a take or of the tiers of a recording."""

    module: str
    suffix: str
    backends: tuple[str, ...]
    tiers: bool = False


FORMATS: dict[FormatName, Format] = {
    "livelink": Format("livelink", ".csv", ANYBODY[:1]),
    "arkit-json": Format("arkit_json", ".json", ANYBODY[:1]),
    "glb": Format("glb", ".glb", ANYBODY[:2]),
    "bvh": Format("bvh", ".bvh", ANYBODY),
    "csv": Format("table", ".csv", ANYBODY),
    "eaf": Format("eaf", ".eaf", ANYBODY, tiers=True),
    "textgrid": Format("textgrid", ".TextGrid", ANYBODY, tiers=True),
}


def export(
    source: Path,
    format: FormatName,
    out: Path,
    settings: config.ChunkingSettings,
    sides: Sequence[Side] = (),
    samples: int | None = None,
    chunks: Path | None = None,
    basis: Path | None = None,
    backend: str | None = None,
) -> list[Path]:
    """Write `source` as `format`: to the file `out` where there is one to write, else into the folder `out`.

    `source` is a faces file, the folder of a preprocessed recording, or a person's results. Their test clips are
    `chunks` (default: data/<person> beside results/); where no recording says it, their faces are of `backend`. Returns
    the files. Raises UserError where the source's backend does not have what the format needs.
    """
    takes = read(source, sides, samples, chunks, basis, backend)
    how, backend = FORMATS[format], takes[0].backend
    if backend not in how.backends:
        able = [name for name, other in FORMATS.items() if backend in other.backends]
        raise UserError(
            f"{source}: --format {format} needs named shapes; {NO_SHAPES[backend]}. Measure the videos with "
            f"faces.backend: blendshapes, or take --format {', '.join(able[:-1])} or {able[-1]}."
        )
    # Of tiers, one file for a recording; else one for a take.
    groups: dict[str, list[Take]] = {}
    for take in takes:
        groups.setdefault(take.recording.name.replace("/", "_") if how.tiers else take.name, []).append(take)
    one = out.suffix.lower() == how.suffix.lower()
    if not one and (out.is_file() or out.suffix.lower() in {other.suffix.lower() for other in FORMATS.values()}):
        raise UserError(f"{out}: --format {format} writes {how.suffix} files; give a folder, or a name that ends so.")
    if one and len(groups) > 1:
        raise UserError(f"{source} has {len(groups)} files to write as {format}; give a folder as --out, not {out}.")
    write, paths = import_module(f"l2l.export.{how.module}").write, []
    for name, group in groups.items():
        paths.append(out if one else out / f"{name}{how.suffix}")
        if how.tiers:
            write(group[0].recording, tiers(group, settings), paths[-1])
        else:
            write(group[0], paths[-1])
    return paths


def read(
    source: Path,
    sides: Sequence[Side],
    samples: int | None,
    chunks: Path | None,
    basis: Path | None,
    backend: str | None,
) -> list[Take]:
    """The takes of a source; at least one. Raises UserError when it is none of the three."""
    if not source.exists():
        raise UserError(f"{source} does not exist; check the path.")
    if source.is_file():
        return sources.of_session(source, sides, basis)
    if any((source / f"faces_{side}.npz").exists() for side in ("left", "right")):
        return sources.of_recording(source, sides, basis)
    if not (source / "samples.npz").exists():
        raise UserError(
            f"{source} is no faces file, no folder with faces_left.npz and no results with samples.npz; give one of "
            "these, e.g. results/alice or results/alice/videos/alice_03."
        )
    person = source.resolve()
    chunks = chunks or person.parents[1] / "data" / person.name
    takes = sources.of_results(source, chunks, sides, samples, basis, backend)
    if not takes:
        raise UserError(f"{source}: its person listens in no test window; export the faces of a recording instead.")
    return takes
