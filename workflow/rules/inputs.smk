# Which files: recordings, batches, windows, and what is told at once when they cannot be there.


def recordings(person):
    """The recordings of one person, by name."""
    return told(FOUND.recordings, person)


def source_file(recording):
    """A recording as an input: its path, or what fetches it from its address (docs/storage.md)."""
    return storage(recording.path) if recording.remote else recording.path


def batch_tables(step):
    """Input function: the tables of every batch of a person."""
    return lambda wildcards: [
        f"results/{wildcards.person}/batches/{step}_{k:04d}.tsv"
        for k in range(len(told(FOUND.batches, wildcards.person)))
    ]


def batch(wildcards):
    """The recordings of a batch."""
    return told(FOUND.batches, wildcards.person)[int(wildcards.batch)]


def batch_options(wildcards):
    return told(FOUND.batch_options, wildcards.person, int(wildcards.batch))


def batch_lines(wildcards):
    return told(FOUND.batch_lines, wildcards.person, int(wildcards.batch))


def fetched_option(wildcards, input):
    files = [shlex.quote(str(file)) for file in input.recordings]
    addresses = any(recording.remote for recording in batch(wildcards))
    return " ".join(["--fetched", *files]) if addresses else ""


def passing(path):
    """An output that no later step or picture asks for once those of its own recording are done."""
    return temp(path) if CONFIG.keep_intermediates == "needed" else path


def keep_option(wildcards, output):
    # It takes `output` because Snakemake does not redo what is there when such an option changes.
    return f"--keep {CONFIG.keep_intermediates}"


def split(wildcards, part):
    """Names of the recordings for 'train' or 'test'."""
    return told(FOUND.split, wildcards.person)[part]


def published_data(dataset):
    """No files: an archive may be deleted once it is unpacked. Raises when the data is not there and must not be fetched."""
    data = Path("data")
    if not (
        CONFIG.download
        or published.is_complete(data / dataset)
        or catalogue.placed_dataset(data, dataset)
    ):
        raise WorkflowError(
            f"data/{dataset}/ is not there and config.yaml says `download: false`: run `l2l fetch {dataset}`, which "
            f"takes {catalogue.entry(dataset).url}, or {catalogue.by_hand(data, dataset)}."
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
    for name in members(wildcards):
        test_chunks(SimpleNamespace(person=name))
    source = person_of(wildcards).source
    if source not in ("published", "people") and not split(wildcards, "test"):
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
    return source_file(found[wildcards.video])


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


def basis_file(wildcards):
    """The face basis of a person with recordings: it says which expressions are smiles and blinks."""
    return (
        f"results/{wildcards.person}/face_basis.npz"
        if person_of(wildcards).has_videos
        else []
    )


def basis_option(wildcards):
    return f"--basis {basis_file(wildcards)}" if basis_file(wildcards) else ""


def truth_files(wildcards):
    return [
        recording.path.replace(".mp4", ".truth.npz")
        for recording in recordings(wildcards.person).values()
    ]


def chunk_files(part):
    """The eight files of one split, both directions, as the rule that makes them names them."""
    return [
        str(path)
        for side in ("left", "right")
        for path in chunk_paths("data/{person}", part, side).values()
    ]


def members_chunks(wildcards):
    """The chunks of all people whom one model is to know."""
    return [
        file
        for name in members(wildcards)
        for file in chunks("train", "test")(SimpleNamespace(person=name))
    ]


def chunks(*parts):
    """Input function: the files of these splits, wherever the person's data lies."""

    def files(wildcards):
        folder = chunks_folder(wildcards)
        return [
            str(path)
            for part in parts
            for side in ("left", "right")
            for path in chunk_paths(folder, part, side).values()
        ]

    return files


BATCHED = [name for name in people_from("videos", "demo") if FOUND.in_batches(name)]
BY_STEP = [name for name in people_from("videos", "demo") if name not in BATCHED]

# What was asked for on the command line; other ways to call the workflow check in the rules' input functions.
for argument in sys.argv[1:]:
    try:
        check_target(argument)
    except WorkflowError as error:
        sys.exit(f"Error: {error}")
