"""The published people: from the authors' archive to data/<person>/{train,test}.

Run it alone: `l2l fetch conan`. It takes data/conan_data.tar when that is there, and downloads it when not.

- Nothing appears under data/<person> before every array has been checked: then the whole folder does, by one rename.
- Arrays that are float32 keep their bytes; others (float64 sound) are written as float32, in which all models compute.
"""

import shutil
from pathlib import Path, PurePosixPath

from l2l.config.published import by_hand, entry, placed_dataset
from l2l.dataset.checked import check_finite, open_array, store_as_float32
from l2l.dataset.layout import PART_SHAPES, SPLITS, Split, chunk_paths, dataset_files
from l2l.errors import UserError
from l2l.progress import progress
from l2l.sides import SIDES, Side
from l2l.weights.archives import Archive, DamagedArchive, open_archive
from l2l.weights.download import download


def fetch(person: str, data: Path) -> bool:
    """Put the published data of one person at data/<person>; False when they are there already.

    Raises UserError that says what is wrong, or where to put the archive by hand; then `data` is as it was.
    """
    known, out = entry(person), data / person
    if is_complete(out):
        return False
    _refuse_to_overwrite(out)
    if placed := placed_dataset(data, person):
        unpack(placed, person, out)
        return True
    archive = data / f"{person}_data.tar"
    try:
        download(known.url, archive, known.sha256)
        unpack(archive, person, out)
    except DamagedArchive:  # a dead link may answer with a web page
        archive.unlink()
        raise UserError(f"{known.url} gave no whole .tar, so it was deleted; {by_hand(data, person)}.") from None
    except UserError as error:
        raise UserError(f"{str(error).rstrip('.')}; if it stays so, {by_hand(data, person)}.") from None
    return True


def is_complete(folder: Path) -> bool:
    """Whether all files of both splits and both listeners are there."""
    return all(path.is_file() for path in dataset_files(folder))


def unpack(archive: Path, person: str, out: Path) -> None:
    """Unpack, check, and only then rename into place. Raises UserError naming the archive and what is wrong with it."""
    _refuse_to_overwrite(out)
    staging = out.with_name(f".{out.name}.unpacking")
    shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
    try:
        with open_archive(archive) as opened:
            chosen = {name: staging / relative for name, relative in _choose(opened, person).items()}
            list(progress(opened.extract(chosen), f"unpack {person}", unit="file", total=len(chosen)))
        for split in SPLITS:
            for side in SIDES:
                _check(staging, split, side, f"{archive}: {person}", needed=side == entry(person).listener)
        for folder in sorted([*out.rglob("*"), out], reverse=True) if out.exists() else []:
            folder.rmdir()  # an empty one that a workflow made before its job
        staging.rename(out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _choose(archive: Archive, person: str) -> dict[PurePosixPath, Path]:
    """{member: path below data/<person>} of the 16 files, wherever the archive keeps the person's folder."""
    wanted = set(dataset_files(Path()))
    found = [name for name in archive.files if len(name.parts) > 2 and Path(*name.parts[-2:]) in wanted]
    chosen = {name: Path(*name.parts[-2:]) for name in found if name.parts[-3] == person}
    if found and not chosen:
        others = ascii(", ".join(sorted({name.parts[-3] for name in found}))[:100])
        raise UserError(f"{archive.path} holds the data of {others}, not of {person}; is it the right archive?")
    if missing := sorted(map(str, wanted - set(chosen.values()))):
        raise UserError(
            f"{archive.path} has no {person}/{missing[0]} ({len(missing)} of {len(wanted)} files are missing); "
            f"get the published archive of {person}."
        )
    if len(chosen) > len(wanted):
        raise UserError(f"{archive.path} holds files of {person} in two places; get the published archive.")
    return chosen


def _check(folder: Path, split: Split, side: Side, label: str, needed: bool) -> None:
    """The four files in which `side` listens: shapes, as many windows in each, finite; then stored as float32."""
    count: int | None = None
    for part, path in chunk_paths(folder, split, side).items():
        name = f"{label}/{path.relative_to(folder)}"
        array = open_array(path, "text" if part == "files" else "numbers", name)
        count = len(array) if count is None and array.ndim else count
        if array.shape != (count, *PART_SHAPES[part]):
            wanted = (count or "N", *PART_SHAPES[part])
            raise UserError(f"{name} has shape {array.shape}, expected {wanted}; get the published archive.")
        if needed and not count:
            raise UserError(f"{name} has no windows; get the published archive.")
        if part != "files":
            check_finite(array, name)
            store_as_float32(path, array)
        elif (array[:, 0, 0] == "").any():
            raise UserError(f"{name} has windows without the name of their video; get the published archive.")


def _refuse_to_overwrite(out: Path) -> None:
    """Raises UserError unless `out` is missing or holds nothing but empty folders."""
    found = [out, *out.rglob("*")] if out.exists() or out.is_symlink() else []
    if any(path.is_symlink() or not path.is_dir() for path in found):
        raise UserError(f"{out} holds files already, but not a whole dataset; move it away and run this again.")
