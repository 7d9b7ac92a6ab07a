# Paths, wildcards and the functions that answer "which files?". No other rule file knows another step's paths.
import re
import shlex
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

from l2l import catalogue
from l2l import config as configuration
from l2l.dataset import by_hand, published
from l2l.dataset.layout import chunk_paths
from l2l.dataset.recordings import Recording, in_folder, in_sheet, split_of
from l2l.dataset.recordings import batches as split_into_jobs
from l2l.errors import UserError

try:
    CONFIG = configuration.validate(config)
except UserError as error:
    sys.exit(f"Error: {error}")

# `l2l` of the Python that runs the workflow, also when its environment is not activated.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


# What only recordings have, below results/<person>/.
NEED_VIDEOS = {
    "videos",
    "batches",
    "face_basis.npz",
    "preprocess.tsv",
    "preview.mp4",
    "accuracy.json",
}


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
    batch=r"\d+",


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
        chosen = CONFIG.settings(wildcards.person)
        name = f"patch_{section}" if chosen.architecture == "patches" else section
        return getattr(chosen, name).training.threads or workflow.cores or 1

    return threads


@cache
def recordings(person):
    """The recordings of one person, by name."""
    chosen = CONFIG.people[person]
    if not chosen.has_videos:
        raise WorkflowError(
            f"{person} comes from source {chosen.source}, which has no videos: preview.mp4 and what lies "
            f"under results/{person}/videos/ can only be made of source videos or demo."
        )
    if chosen.source == "demo":
        names = [
            f"demo_{k:02d}" for k in range(CONFIG.settings(person).demo.recordings)
        ]
        return {
            name: Recording(name, f"data/raw/{person}/{name}.mp4") for name in names
        }
    try:
        found = (
            in_sheet(Path(chosen.sheet), person)
            if chosen.sheet
            else in_folder(Path("data/raw") / person)
        )
    except UserError as error:
        raise WorkflowError(str(error)) from None
    return {recording.name: recording for recording in found}


def in_batches(person):
    """Whether a person's recordings are so many that a job takes several, with all steps in one process."""
    try:
        return CONFIG.per_job(len(recordings(person))) > 0
    except WorkflowError:
        return False  # what is wrong is said when this person is asked for


@cache
def batches(person):
    """The recordings of each job."""
    everything = list(recordings(person).values())
    per_job = CONFIG.per_job(len(everything))
    return [
        [everything[k] for k in numbers]
        for numbers in split_into_jobs(len(everything), per_job)
    ]


def batch_tables(step):
    """Input function: the tables of every batch of a person."""
    return lambda wildcards: [
        f"results/{wildcards.person}/batches/{step}_{k:04d}.tsv"
        for k in range(len(batches(wildcards.person)))
    ]


def batch_options(wildcards):
    """What `l2l preprocess` must know to take the same recordings as the rule."""
    person = person_of(wildcards)
    source = person.sheet or raw_folder(wildcards)
    named = (
        "--test-videos " + " ".join(map(shlex.quote, person.test_videos))
        if person.test_videos
        else ""
    )
    per_job = CONFIG.per_job(len(recordings(wildcards.person)))
    return f"{shlex.quote(source)} --person {wildcards.person} --per-job {per_job} --batch {int(wildcards.batch)} {named}"


def split(wildcards, part):
    """Names of the recordings for 'train' or 'test'."""
    person = person_of(wildcards)
    share = CONFIG.settings(wildcards.person).chunking.test_share
    try:
        if person.source == "arrays":
            folder = Path(raw_folder(wildcards))
            return by_hand.split_recordings(folder, person.test_videos, share)[part]
        return split_names(wildcards.person)[part]
    except UserError as error:
        raise WorkflowError(f"people.{wildcards.person}: {error}") from None


@cache
def split_names(person):
    share = CONFIG.settings(person).chunking.test_share
    found = split_of(
        list(recordings(person).values()), CONFIG.people[person].test_videos, share
    )
    return {
        part: [name for name, side in found.items() if side == part]
        for part in ("train", "test")
    }


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
    return found[wildcards.video].path


def part_of_recording(wildcards):
    """Options of normalise for a recording of which the sheet wants only a part."""
    recording = recordings(wildcards.person)[wildcards.video]
    ends = (("--start", recording.start), ("--end", recording.end))
    return " ".join(
        f"{option} {value:g}" for option, value in ends if value is not None
    )


def per_video(name, part=None):
    """Input function: the file `name` of every recording of a person, or of one part of them.

    In batches, one table stands for them all: a job of its own for each file is what batches are there to avoid.
    """

    def files(wildcards):
        parts = [part] if part else ["train", "test"]
        person_of(wildcards)
        if wildcards.person in BATCHED:
            return f"results/{wildcards.person}/preprocess.tsv"
        return [
            f"results/{wildcards.person}/videos/{video}/{name}"
            for p in parts
            for video in split(wildcards, p)
        ]

    return files


def truth_files(wildcards):
    return [
        recording.path.replace(".mp4", ".truth.npz")
        for recording in recordings(wildcards.person).values()
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


BATCHED = [name for name in people_from("videos", "demo") if in_batches(name)]
BY_STEP = [name for name in people_from("videos", "demo") if name not in BATCHED]

# What was asked for on the command line; other ways to call the workflow check in the rules' input functions.
for argument in sys.argv[1:]:
    try:
        check_target(argument)
    except WorkflowError as error:
        sys.exit(f"Error: {error}")
