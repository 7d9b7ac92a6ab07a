# Paths, wildcards and the functions that answer "which files?". No other rule file knows another step's paths.
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

from l2l import config as configuration
from l2l.dataset.split import split_videos
from l2l.errors import UserError

try:
    CONFIG = configuration.validate(config)
except UserError as error:
    sys.exit(f"Error: {error}")

# `l2l` of the Python that runs the workflow, also when its environment is not activated.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")

VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v"}


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


def videos_folder(wildcards):
    return f"results/{wildcards.person}/videos"


def video_folder(wildcards):
    return f"results/{wildcards.person}/videos/{wildcards.video}"


def chunks_folder(wildcards):
    return f"data/{wildcards.person}"


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
        training, testing = split_videos(
            list(recordings(wildcards.person)), person.test_videos, share
        )
    except UserError as error:
        raise WorkflowError(f"people.{wildcards.person}: {error}") from None
    return {"train": training, "test": testing}[part]


def check_target(target):
    """A person who is not there, or has too few videos, is told before anything is built, in one sentence."""
    parts = Path(target).parts
    if len(parts) > 2 and parts[0] in ("results", "data") and parts[1] != "raw":
        wildcards = SimpleNamespace(person=parts[1])
        person_of(wildcards)
        recordings(parts[1])
        if parts[2] in ("eval.json", "samples.npz", "preview.mp4"):
            test_chunks(wildcards)


def test_chunks(wildcards):
    """The files of the test split, when there is one: training for hours and then having nothing to test would hurt."""
    if not split(wildcards, "test"):
        raise WorkflowError(
            f"data/raw/{wildcards.person}/ holds one recording, and the test needs another than the training; "
            f"add a second one, or stop earlier: data/{wildcards.person}/train/p0_list_faces_clean_deca.npy."
        )
    return [path.format(person=wildcards.person) for path in chunk_files("test")]


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
    """The eight files of one split, both directions."""
    kinds = [
        "p{p}_list_faces",
        "p{p}_speak_faces",
        "p{p}_speak_audio",
        "p{p}_speak_files",
    ]
    return [
        f"data/{{person}}/{part}/{kind.format(p=p)}_clean_deca.npy"
        for p in (0, 1)
        for kind in kinds
    ]


# What was asked for on the command line; other ways to call the workflow check in the rules' input functions.
for argument in sys.argv[1:]:
    try:
        check_target(argument)
    except WorkflowError as error:
        sys.exit(f"Error: {error}")
