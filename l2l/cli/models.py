"""Commands for models: train, sample, score."""

from pathlib import Path
from typing import Annotated, Literal

from l2l.cli.options import (
    DEFAULTS,
    Basis,
    Chunks,
    Codebook,
    Listener,
    LogDir,
    Names,
    Options,
    Out,
    Paths,
    Predictor,
    Samples,
    about,
)
from l2l.errors import UserError


def train_codebook(
    chunks: Chunks, /, *, listener: Listener, out: Out, log_dir: LogDir, options: Options = DEFAULTS
) -> None:
    """Learn the codebook of listener motion: codebook.pt."""
    from l2l.architectures import train_codebook

    train_codebook(chunks, listener, options.read(), out, log_dir)


def train_predictor(
    chunks: Chunks,
    /,
    *,
    codebook: Codebook,
    listener: Listener,
    people: Annotated[Names, about("the people that `l2l gather` put together")] = (),
    out: Out,
    log_dir: LogDir,
    options: Options = DEFAULTS,
) -> None:
    """Learn to predict the listener's codes from the speaker: predictor.pt."""
    from l2l.architectures import train_predictor

    train_predictor(chunks, codebook, listener, options.read(), out, log_dir, people)


def sample(
    chunks: Chunks,
    /,
    *,
    codebook: Codebook,
    predictor: Predictor,
    listener: Listener,
    out: Out,
    options: Options = DEFAULTS,
) -> None:
    """Draw several futures of the listener for every test window: samples.npz."""
    from l2l.architectures import sample

    sample(chunks, codebook, predictor, listener, options.read(), out)


def evaluate(
    inputs: Annotated[Paths, about("PRED TRUTH SPEAKER (.npy or .npz), or a folder of chunks")],
    /,
    *,
    out: Out = Path("eval.json"),
    order: Annotated[Literal["exp-pose", "pose-exp"], about("arrays: which columns come first")] = "exp-pose",
    recordings: Annotated[Path | None, about("arrays: file with the recording of each clip, one per line")] = None,
    shifted: Annotated[Path | None, about("arrays: file of predictions (K, N, T, 56) for K shifted speakers")] = None,
    samples: Samples | None = None,
    listener: Listener | None = None,
    codebook: Codebook | None = None,
    predictor: Predictor | None = None,
    basis: Basis | None = None,
    options: Options = DEFAULTS,
) -> None:
    """Score three arrays, or the samples of a folder of chunks, beside baselines: eval.json.

    A folder of chunks needs --samples and --listener; --codebook, --predictor and --basis allow more numbers.
    """
    if len(inputs) == 3:
        from l2l.evaluation.arrays import evaluate_arrays

        if samples or codebook or predictor or basis:
            raise UserError("--samples, --codebook, --predictor and --basis go with chunks, not with three arrays.")
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
    evaluate(inputs[0], samples, listener, options.read(), out, **models)


def compare(
    reports: Annotated[Paths, about("files of evaluate")],
    /,
    *,
    out: Out = Path("compare"),
    metrics: Annotated[Names, about("numbers to show, e.g. l2.all fd_pooled")] = (),
) -> None:
    """Put several eval.json into one table: <out>.csv and <out>.md."""
    from l2l.evaluation.compare import compare

    compare(list(reports), out, list(metrics))
