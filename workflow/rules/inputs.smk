# Which files: recordings, tables of steps, windows; and what a command must be told about them.


def named_options(option, names):
    """`--option=NAME` for each, quoted: a name may begin with a hyphen."""
    return shlex.join(f"--{option}={name}" for name in names)


def batch(wildcards):
    """The recordings of one job of a step."""
    return ask(FOUND.batch, wildcards.person, wildcards.batch)


def files_there(wildcards):
    """Recordings of a batch on this machine; one that is missing is no input, and becomes a row of the table."""
    made = ask(FOUND.person, wildcards.person).source == "demo"
    return [str(file) for r in batch(wildcards) if not r.remote for file in ([r.path] if made else r.files_there)]


def addresses(wildcards):
    """What fetches the other recordings of a batch (docs/storage.md)."""
    return [storage(r.path) for r in batch(wildcards) if r.remote]


def fetched_option(wildcards, input):
    return shlex.join(["--fetched", *map(str, input.fetched)]) if input.fetched else ""


def lines(wildcards):
    """What recordings.tsv says of a batch: a param, so that a change is noticed by the jobs that it concerns."""
    return digest(batch(wildcards))


def only_option(wildcards):
    return named_options("only", [recording.name for recording in batch(wildcards)])


def people_option(wildcards):
    return named_options("people", members(wildcards))


def drop_option(wildcards, output):
    # It takes `output` because Snakemake does not redo what is there when such an option changes.
    if CONFIG.keep_intermediates == "all":
        return ""
    backend = CONFIG.settings(wildcards.person).faces.backend
    few = len(ask(FOUND.split, wildcards.person)["test"]) < 3
    # Where few are for testing, a training recording may have to take the place of one that cannot be used.
    # One that is alone is for testing too.
    alone = ask(FOUND.alone, wildcards.person)
    stays = backend != "landmarks" or alone or (few and ask(FOUND.movable, wildcards.person))
    return "--drop speech" if stays else "--drop speech video"


def move_option(wildcards):
    share = CONFIG.settings(wildcards.person).chunking.test_share
    return f"--test-share {share:g}" if ask(FOUND.movable, wildcards.person) else ""


def tables(*steps):
    """Input function: the tables that steps leave of all recordings of a person."""
    return lambda wildcards: [table for step in steps for table in ask(FOUND.tables, wildcards.person, step)]


def truth_files(wildcards):
    return [r.path.replace(".mp4", ".truth.npz") for r in ask(FOUND.recordings, wildcards.person)]


def recordings_options(wildcards, input):
    return f"results/{wildcards.person}/videos --table {input} --listener {listener(wildcards)}"


def arrays_options(wildcards):
    names = [named_options(part, names) for part, names in ask(FOUND.split, wildcards.person).items()]
    return " ".join([f"data/raw/{wildcards.person}", *names, "--listener", listener(wildcards)])


def array_files(wildcards):
    """Every array of a person's recordings."""
    names = [name for part in ask(FOUND.split, wildcards.person).values() for name in part]
    folders = [Path("data/raw", wildcards.person, name) for name in names]
    return [str(file) for folder in folders for file in by_hand.files(folder)]


def published_data(wildcards):
    """No files: an archive may be deleted once it is unpacked. Ends all when the data is not there and must not be fetched."""
    data, dataset = Path("data"), wildcards.person
    if not (CONFIG.download or published.is_complete(data / dataset) or catalogue.placed_dataset(data, dataset)):
        sys.exit(
            f"Error: data/{dataset}/ is not there and config.yaml says `download: false`: run `l2l fetch {dataset}`, which "
            f"takes {catalogue.entry(dataset).url}, or {catalogue.by_hand(data, dataset)}."
        )
    return []


def released_files(wildcards):
    """The six files of the released models."""
    dataset = person_of(wildcards).dataset
    folder = catalogue.models_folder(dataset)
    files = [folder / name for name in catalogue.MODEL_FILES]
    if not all(file.is_file() for file in files):
        sys.exit(
            f"Error: {folder}/ does not hold the released models of {dataset}; put {dataset}_models.tar in data/ and "
            f"run `l2l fetch-models {dataset}`."
        )
    return list(map(str, files))


def basis_file(wildcards):
    """The face basis of a person with recordings: it says which expressions are smiles and blinks."""
    has_videos = person_of(wildcards).has_videos
    return f"results/{wildcards.person}/face_basis.npz" if has_videos else []


def summary(wildcards):
    """What became of each recording, of a person with recordings."""
    return f"results/{wildcards.person}/preprocess.tsv" if person_of(wildcards).has_videos else []


def basis_option(wildcards, input):
    return f"--basis {input.basis}" if input.basis else ""


def chunks(*splits):
    """Input function: the files of these splits, wherever the person's data lies."""
    return lambda wildcards: dataset_files(chunks_folder(wildcards), *splits)


def conversations(*splits):
    """Input function: whole conversations of these splits, of people who have them."""
    return lambda wildcards: (
        conversation_files(chunks_folder(wildcards), *splits) if has_conversations(wildcards.person) else []
    )


def test_chunks(wildcards):
    """The files of the test split, when something is for testing."""
    ask(FOUND.need_test, wildcards.person)
    return chunks("test")(wildcards)


SAID = set()


def fold_files(wildcards):
    """The errors of all folds of a person. What they are and cost is said when it is planned, once."""
    person = wildcards.person
    count = ask(FOUND.folds, person)
    if count and workflow.is_main_process and person not in SAID:
        SAID.add(person)
        sys.stderr.write(f"{ask(FOUND.folds_said, person, seconds_of_training)}\n")
    return [f"results/{person}/folds/{number}.npz" for number in range(1, count + 1)]


def folds_option(wildcards, input):
    return f"--folds {input.folds}" if input.folds else ""


def members_files(wildcards):
    """The chunks of all people whom one model is to know, and the whole conversations of those who have them."""
    chunked = [file for name in members(wildcards) for file in dataset_files(chunks_of(name))]
    recorded = filter(has_conversations, members(wildcards))
    return chunked + [file for name in recorded for file in conversation_files(chunks_of(name))]
