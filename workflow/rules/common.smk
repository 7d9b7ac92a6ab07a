# Paths, wildcards and the functions that answer "which files?". No other rule file knows another step's paths.
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

from l2l import catalogue
from l2l import config as configuration
from l2l.dataset import by_hand, published
from l2l.dataset.layout import chunk_paths
from l2l.dataset.split import split_videos
from l2l.errors import UserError

try:
    CONFIG = configuration.validate(config)
except UserError as error:
    sys.exit(f"Error: {error}")

# `l2l` of the Python that runs the workflow, also when its environment is not activated.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")

VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"}


# What only recordings have, below results/<person>/.
NEED_VIDEOS = {"videos", "face_basis.npz", "preview.mp4", "accuracy.json"}


def one_of(names):
    """A wildcard's pattern: these names and no other."""
    return "|".join(map(re.escape, sorted(set(names)))) or r"(?!)nobody"


def people_from(*sources):
    return [name for name, p in CONFIG.people.items() if p.source in sources]


# One maker for each dataset: which rule may write data/<person>/ follows from the person's source. Several people may
# share one published dataset.
PUBLISHED = {CONFIG.people[name].dataset for name in people_from("published")}
RELEASED = [name for name, p in CONFIG.people.items() if p.models == "released"]
TRAINED = [name for name in CONFIG.people if name not in RELEASED]


wildcard_constraints:
    person=r"[A-Za-z0-9_-]+",
    video=r"[^/]+",


def person_of(wildcards):
    if wildcards.person not in CONFIG.people:
        known = ", ".join(CONFIG.people) or "nobody"
        raise WorkflowError(
            f"config.yaml: people has no {wildcards.person!r} (it has: {known}); "
            f"add '{wildcards.person}:' with 'listener: left' or 'listener: right' under people."
        )
    return CONFIG.people[wildcards.person]


def settings(*sections):
    """Params of a rule: what differs from the defaults in these sections, as options of its command."""

    def options(wildcards):
        person_of(wildcards)
        pairs = configuration.differences(CONFIG.settings(wildcards.person), sections)
        return "--set " + " ".join(map(shlex.quote, pairs)) if pairs else ""

    return options


def listener(wildcards):
    return person_of(wildcards).listener_side


def raw_folder(wildcards):
    return f"data/raw/{wildcards.person}"


def results_folder(wildcards):
    return f"results/{wildcards.person}"


def videos_folder(wildcards):
    return f"results/{wildcards.person}/videos"


def video_folder(wildcards):
    return f"results/{wildcards.person}/videos/{wildcards.video}"


def chunks_folder(wildcards):
    return f"data/{person_of(wildcards).dataset or wildcards.person}"


def models_folder(wildcards):
    return str(catalogue.models_folder(person_of(wildcards).dataset))


def tensorboard_folder(model):
    return lambda wildcards: f"results/{wildcards.person}/tensorboard/{model}"


def training_threads(section):
    """Threads of a training rule: as many as the setting says, else all cores it can get."""

    def threads(wildcards):
        return (
            getattr(CONFIG.settings(wildcards.person), section).training.threads
            or workflow.cores
            or 1
        )

    return threads


def recordings(person):
    """The recordings of one person: {name: path}."""
    if not CONFIG.people[person].has_videos:
        raise WorkflowError(
            f"{person} comes from source {CONFIG.people[person].source}, which has no videos: preview.mp4 and what lies "
            f"under results/{person}/videos/ can only be made of source videos or demo."
        )
    if CONFIG.people[person].source == "demo":
        count = CONFIG.settings(person).demo.recordings
        return {
            f"demo_{k:02d}": f"data/raw/{person}/demo_{k:02d}.mp4" for k in range(count)
        }
    folder = Path("data/raw") / person
    files = sorted(
        f
        for f in folder.glob("*")
        if f.suffix.lower() in VIDEO_SUFFIXES and not f.name.startswith(".")
    )
    if not files:
        raise WorkflowError(
            f"{folder}/ holds no videos; put the recordings of {person} there (.mp4, .mov, .mkv ...)."
        )
    names = {}
    for file in files:
        if file.stem in names:
            raise WorkflowError(
                f"{file} and {names[file.stem]} differ only in their suffix; rename one of them."
            )
        names[file.stem] = str(file)
    return names


def split(wildcards, part):
    """Names of the recordings for 'train' or 'test'."""
    person = person_of(wildcards)
    share = CONFIG.settings(wildcards.person).chunking.test_share
    try:
        if person.source == "arrays":
            folder = Path(raw_folder(wildcards))
            return by_hand.split_recordings(folder, person.test_videos, share)[part]
        training, testing = split_videos(
            list(recordings(wildcards.person)), person.test_videos, share
        )
    except UserError as error:
        raise WorkflowError(f"people.{wildcards.person}: {error}") from None
    return {"train": training, "test": testing}[part]


def published_data(dataset):
    """No files: an archive may be deleted once it is unpacked. Raises when the data is not there and must not be fetched."""
    data = Path("data")
    if not (
        CONFIG.download
        or published.is_complete(data / dataset)
        or catalogue.placed_dataset(data, dataset)
    ):
        raise WorkflowError(
            f"data/{dataset}/ is not there and nothing is downloaded unless you ask: run `l2l fetch {dataset}`, "
            f"or {catalogue.by_hand(data, dataset)}."
        )
    return []


def array_files(wildcards):
    """Every array of a person's recordings."""
    return [
        str(file)
        for part in ("train", "test")
        for recording in split(wildcards, part)
        for file in sorted(Path(raw_folder(wildcards), recording).glob("*.npy"))
    ]


def released_files(wildcards):
    """The six files of the released models."""
    dataset = person_of(wildcards).dataset
    folder = catalogue.models_folder(dataset)
    files = [folder / name for name in catalogue.MODEL_FILES]
    if not all(file.is_file() for file in files):
        raise WorkflowError(
            f"{folder}/ does not hold the released models of {dataset}; put {dataset}_models.tar in data/ and run "
            f"`l2l fetch-models {dataset}`."
        )
    return list(map(str, files))


def check_target(target):
    """What cannot be made is told before anything is built, in one sentence."""
    parts = Path(target).parts
    if len(parts) < 3 or parts[0] not in ("results", "data") or parts[1] == "raw":
        return
    if parts[0] == "data" and parts[1] in PUBLISHED:
        published_data(parts[1])
        return
    wildcards = SimpleNamespace(person=parts[1])
    person = person_of(wildcards)
    if person.has_videos or parts[2] in NEED_VIDEOS:
        recordings(parts[1])
    if person.source == "published":
        published_data(person.dataset)
    elif parts[2] in ("eval.json", "samples.npz", "preview.mp4"):
        test_chunks(wildcards)
    elif person.source == "arrays":
        split(wildcards, "train")
    if person.models == "released":
        released_files(wildcards)


def test_chunks(wildcards):
    """The files of the test split, when there is one: training for hours and then having nothing to test would hurt."""
    if person_of(wildcards).source != "published" and not split(wildcards, "test"):
        raise WorkflowError(
            f"data/raw/{wildcards.person}/ holds one recording, and the test needs another than the training; "
            f"add a second one, or stop earlier: data/{wildcards.person}/train/p0_list_faces_clean_deca.npy."
        )
    return chunks("test")(wildcards)


def source_video(wildcards):
    person_of(wildcards)
    found = recordings(wildcards.person)
    if wildcards.video not in found:
        raise WorkflowError(
            f"data/raw/{wildcards.person}/ holds no recording called {wildcards.video!r}."
        )
    return found[wildcards.video]


def per_video(name, part=None):
    """Input function: the file `name` of every recording of a person, or of one part of them."""

    def files(wildcards):
        parts = [part] if part else ["train", "test"]
        person_of(wildcards)
        return [
            f"results/{wildcards.person}/videos/{video}/{name}"
            for p in parts
            for video in split(wildcards, p)
        ]

    return files


def truth_files(wildcards):
    return [
        path.replace(".mp4", ".truth.npz")
        for path in recordings(wildcards.person).values()
    ]


def chunk_files(part):
    """The eight files of one split, both directions, as the rule that makes them names them."""
    return [
        str(path)
        for side in ("p0", "p1")
        for path in chunk_paths("data/{person}", part, side).values()
    ]


def chunks(*parts):
    """Input function: the files of these splits, wherever the person's data lies."""

    def files(wildcards):
        folder = chunks_folder(wildcards)
        return [
            str(path)
            for part in parts
            for side in ("p0", "p1")
            for path in chunk_paths(folder, part, side).values()
        ]

    return files


# What was asked for on the command line; other ways to call the workflow check in the rules' input functions.
for argument in sys.argv[1:]:
    try:
        check_target(argument)
    except WorkflowError as error:
        sys.exit(f"Error: {error}")
