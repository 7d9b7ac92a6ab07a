"""Commands for models: train, sample, score, watch, export."""

from pathlib import Path
from typing import Annotated, Literal

from l2l.cli.options import DEFAULTS, Names, Options, Paths, about
from l2l.errors import UserError
from l2l.export import FacesBackend, FormatName
from l2l.sides import Side
from l2l.training.waiting import share_cores


def train_codebook(chunks: Path, /, *, listener: Side, out: Path, log_dir: Path, options: Options = DEFAULTS) -> None:
    """Learn the codebook of listener motion."""
    share_cores()
    from l2l.architectures import train_codebook

    train_codebook(chunks, listener, options.read(), out, log_dir)


def train_predictor(
    chunks: Path,
    /,
    *,
    codebook: Path,
    listener: Side,
    people: Annotated[Names, about("the people that `l2l gather` put together")] = (),
    out: Path,
    log_dir: Path,
    options: Options = DEFAULTS,
) -> None:
    """Learn to predict the listener's codes from the speaker."""
    share_cores()
    from l2l.architectures import train_predictor

    train_predictor(chunks, codebook, listener, options.read(), out, log_dir, people)


def sample(
    chunks: Path, /, *, codebook: Path, predictor: Path, listener: Side, out: Path, options: Options = DEFAULTS
) -> None:
    """Draw several futures of the listener for every test window."""
    from l2l.architectures import sample

    sample(chunks, codebook, predictor, listener, options.read(), out)


def fold(
    chunks: Path,
    /,
    *,
    fold: int,
    of: int,
    listener: Side,
    people: Annotated[Names, about("the people that `l2l gather` put together")] = (),
    out: Path,
    options: Options = DEFAULTS,
) -> None:
    """Train on all recordings but some, test and training alike, and ask the models about those.

    Args:
        fold: which fold, 1 to --of
        of: number of folds
        out: .npz of errors, for `l2l evaluate --folds`
    """
    share_cores()
    from l2l.evaluation.folds import ask_fold

    ask_fold(chunks, fold, of, listener, options.read(), out, people)


def evaluate(
    inputs: Annotated[Paths, about("PRED TRUTH SPEAKER (.npy or .npz), or a folder of chunks")],
    /,
    *,
    out: Path = Path("eval.json"),
    order: Annotated[Literal["exp-pose", "pose-exp"], about("arrays: which columns come first")] = "exp-pose",
    recordings: Annotated[Path | None, about("arrays: file with the recording of each clip, one per line")] = None,
    shifted: Annotated[Path | None, about("arrays: file of predictions (K, N, T, 56) for K shifted speakers")] = None,
    samples: Annotated[Path | None, about("chunks: samples.npz")] = None,
    listener: Annotated[Side | None, about("chunks: where the listener sits")] = None,
    codebook: Annotated[Path | None, about("chunks: codebook.pt, for its use, random codes and l2_released")] = None,
    predictor: Annotated[Path | None, about("chunks: predictor.pt, to ask the model again")] = None,
    basis: Annotated[Path | None, about("chunks: face_basis.npz, for smiles and blinks")] = None,
    folds: Annotated[Paths, about("chunks: files of `l2l fold`, for a verdict from few recordings")] = (),
    options: Options = DEFAULTS,
) -> None:
    """Score three arrays, or samples of chunks, beside baselines."""
    if len(inputs) == 3:
        from l2l.evaluation.arrays import evaluate_arrays

        if samples or codebook or predictor or basis or folds:
            options_of_chunks = "--samples, --codebook, --predictor, --basis and --folds"
            raise UserError(f"{options_of_chunks} go with chunks, not with three arrays.")
        evaluate_arrays(*inputs, out, options.read(), order=order, recordings=recordings, shifted=shifted)
        return
    from l2l.evaluation.evaluate import evaluate

    if len(inputs) != 1:
        raise UserError("give PRED TRUTH SPEAKER, three arrays, or one folder of chunks with --samples.")
    if samples is None or listener is None:
        raise UserError(f"{inputs[0]}: a folder of chunks needs --samples and --listener.")
    if recordings or shifted or order != "exp-pose":
        raise UserError("--recordings, --shifted and --order go with PRED TRUTH SPEAKER, not with a folder of chunks.")
    models = {"codebook": codebook, "predictor": predictor, "basis": basis}
    evaluate(inputs[0], samples, listener, options.read(), out, **models, folds=folds)


def compare(reports: Paths, /, *, out: Path = Path("compare"), metrics: Names = ()) -> None:
    """Put several eval.json into one table.

    Args:
        reports: files of evaluate
        out: writes <out>.csv and <out>.md
        metrics: numbers to show, e.g. l2.all fd_pooled
    """
    from l2l.evaluation.compare import compare

    compare(list(reports), out, list(metrics))


def preview(
    videos: Path,
    /,
    *,
    chunks: Path,
    samples: Path,
    basis: Path,
    listener: Side,
    table: Annotated[Path | None, about("preprocess.tsv: where the person sits, when it differs by recording")] = None,
    recording: Annotated[str | None, about("a test recording; default: the one with most windows")] = None,
    sample: Annotated[
        int | None, about("number of a sample, from 1; default: that of whole turns, else the first")
    ] = None,
    out: Path,
    options: Options = DEFAULTS,
) -> None:
    """Show a test recording beside its true and sampled listener."""
    from l2l.pictures.preview import write_preview
    from l2l.recordings.table import read_table

    seats = {row.name: row.listener for row in read_table(table) if row.listener} if table else {}
    seconds = options.read().preview.seconds
    write_preview(videos, chunks, samples, basis, listener, out, seconds, seats, recording, sample)


def listen(
    video: Annotated[Path, about("a recording of two people, side by side")],
    /,
    *,
    person: Annotated[str | None, about("whose listener: the models in results/<person>/")] = None,
    results: Annotated[Path | None, about("folder of the models, in place of --person")] = None,
    name: Annotated[str | None, about("which of the people, where the models know several")] = None,
    listener: Side | None = None,
    out: Annotated[Path, about("a video of the recording and the listener")],
    options: Options = DEFAULTS,
) -> None:
    """Let a trained listener answer a recording, as if live."""
    from l2l.pictures.listen import listen

    if results is None and person is None:
        raise UserError("say whose listener it is: --person NAME, for results/NAME/, or --results FOLDER.")
    listen(video, results or Path("results") / str(person), out, options.read(), name, listener)


def export(
    source: Annotated[Path, about("a faces file, a folder of one recording, or a person's results")],
    /,
    *,
    format: Annotated[FormatName, about("docs/export.md says what each carries")],
    side: Annotated[tuple[Side, ...], about("of whom; default: of results the listener, else both")] = (),
    samples: Annotated[
        int | None, about("results: futures of every test window; default: one of every whole turn, where there is one")
    ] = None,
    chunks: Annotated[Path | None, about("results: folder of the test windows; default: data/<person>")] = None,
    basis: Annotated[Path | None, about("face_basis.npz; default: of the results that the source lies in")] = None,
    backend: Annotated[
        FacesBackend | None,
        about("results without recordings: what their faces are; default: as they look, blendshapes or deca"),
    ] = None,
    out: Annotated[Path, about("a folder, or the file where there is one to write")],
    options: Options = DEFAULTS,
) -> None:
    """Write motion for avatars, animation programs, ELAN, Praat or tables."""
    from l2l.export.export import export

    paths = export(source, format, out, options.read().chunking, side, samples, chunks, basis, backend)
    print("\n".join(map(str, paths if len(paths) <= 3 else [paths[0], "...", paths[-1]])))
