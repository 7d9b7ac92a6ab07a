"""evaluate: eval.json, one file of numbers with all that is needed to read them.

- Every number comes with its definition, units, n and seed, beside the baselines it has to beat and the controls it has
  to be read with.
- Only frames that were predicted are compared.
- The model, when it is given, is asked again: with speakers of other moments (`gain`) and of other recordings.
"""

import json
import logging
from pathlib import Path

import numpy as np
import torch

from l2l.asking import Model, Speaker
from l2l.config import Settings
from l2l.dataset.layout import WINDOW, Chunks, load_chunks
from l2l.dataset.samples import load_samples, sampling_of
from l2l.errors import UserError
from l2l.evaluation.asked import Asked
from l2l.evaluation.baselines import Row, training_rows
from l2l.evaluation.bootstrap import ONE_RECORDING, Bootstrap
from l2l.evaluation.clips import Reference
from l2l.evaluation.events import Directions
from l2l.evaluation.provenance import git_revision, versions
from l2l.evaluation.report import VERSION, headline, save_report
from l2l.evaluation.results import Questions, definitions, fingerprint, gains, measure
from l2l.evaluation.score import Scorer
from l2l.evaluation.shifts import Timeline, elsewhere, first_frames
from l2l.faces.landmarks import load_basis
from l2l.faces.store import backend_of
from l2l.sides import Side
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)

NO_MODEL = "the model was not given: --codebook and --predictor"


def reference_of(test: Chunks, frames: slice, told: bool) -> Reference:
    """Windows as clips; what came before them counts as known only if the model was told of it."""
    listener = np.asarray(test.listener[..., :MODEL_DIM], np.float32)  # (N, 64, 56)
    speaker = np.asarray(test.speaker[:, frames, :MODEL_DIM], np.float32)
    before = listener[:, : frames.start if told else 0]
    return Reference(list(listener[:, frames]), list(speaker), list(before), np.asarray(test.videos))


def heard(test: Chunks, chosen: np.ndarray | None = None) -> Speaker:
    """The speakers of all windows, or of the chosen ones, (N, 64, 56) and (N, 256, 128)."""
    if chosen is None:
        return Speaker(np.asarray(test.speaker[..., :MODEL_DIM], np.float32), lambda: test.audio)
    return Speaker(np.asarray(test.speaker[chosen, :, :MODEL_DIM], np.float32), lambda: test.audio[chosen])


def controls(
    model: Model | None, test: Chunks, truth: np.ndarray, samples: int, seed: int
) -> tuple[list[Row], dict[str, str]]:
    """The truth, nulls made with the model, and another recording's; then rows that cannot be made, and why."""
    rows = [Row("truth", "the true listener", lambda _: truth[None], hears=None)]
    left_out = {}
    other = elsewhere(np.asarray(test.videos), seed)
    if other is None:
        left_out["truth_other_recording"] = ONE_RECORDING
    else:
        what = "the true listener of a random window of another test recording: the truth with a speaker it never met"
        rows.append(Row("truth_other_recording", what, lambda _: truth[None, other], hears=None))
    if model is None:
        return rows, left_out | {"random_codes": NO_MODEL, "model_shuffled_speaker": NO_MODEL}
    what = "codes drawn evenly from the whole codebook, decoded"
    rows.append(Row("random_codes", what, lambda _: model.random_codes(samples), hears=False))
    if other is None:
        left_out["model_shuffled_speaker"] = ONE_RECORDING
    else:
        what = "the model, sampled with the speaker of a random window of another test recording"
        null = Row("model_shuffled_speaker", what, lambda _: model.samples(heard(test, other)), hears=None)
        rows.append(null)
    return rows, left_out


def evaluate(
    chunks: Path,
    samples: Path,
    listener: Side,
    settings: Settings,
    out: Path,
    codebook: Path | None = None,
    predictor: Path | None = None,
    basis: Path | None = None,
) -> None:
    """Compare the samples, baselines and controls with the test windows and write eval.json to `out`.

    `chunks` is a person's folder, `samples` what `sample` wrote for its test windows. Checkpoints and face basis are
    optional; without them some rows and numbers are left out, with the reason. Raises UserError for empty test chunks
    or files that do not belong together.
    """
    test, train = load_chunks(chunks, "test", listener), load_chunks(chunks, "train", listener)
    for split, data in {"test": test, "train": train}.items():
        if not len(data):
            raise UserError(f"{chunks}/{split} has no {split} windows; add a second recording or longer ones.")
    drawn = load_samples(samples, len(test))
    sampling = sampling_of(drawn, samples)
    test = test.first(drawn["samples"].shape[1])
    frames, count = slice(int(drawn["first_frame"].item()), WINDOW), len(drawn["samples"])
    reference = reference_of(test, frames, told=sampling.past == "real")
    truth = np.stack(reference.truth)  # (N, T, 56)
    if not np.isfinite(truth).all():
        raise UserError(f"{chunks}/test: the listener's motion has NaN or infinity; chunk again.")
    if not np.isfinite(test.speaker[..., :MODEL_DIM]).all():
        raise UserError(f"{chunks}/test: the speaker's motion has NaN or infinity; chunk again.")
    torch.set_num_threads(1)  # sums depend on how many there are, and a file must not depend on the machine
    asked = Asked.of(codebook, predictor, test, sampling, int(drawn["seed"].item()), settings)
    released = None
    if asked.standardizer:  # smoothing, where there is any, takes whole windows
        released = list(asked.standardizer.apply(test.listener[..., :MODEL_DIM])[:, frames]), asked.standardizer

    bootstrap = Bootstrap(reference.recordings, settings.evaluation.bootstrap, settings.seed)
    scorer = Scorer(
        reference,
        bootstrap,
        settings.seed,
        settings.evaluation.event_window,
        released,
        # FLAME's expression has no direction of the eyelids, and none of the smile that was checked.
        Directions.of(load_basis(basis)) if basis and backend_of(basis) == "landmarks" else None,
        block=asked.block,
    )
    nulls, left_out = controls(asked.model, test, truth, count, settings.seed)
    mine = Row("model", "the sampled futures", lambda _: drawn["samples"][:, :, frames], hears=None)
    rows = [mine, *training_rows(train, len(test), frames, count, settings.seed), *nulls]
    speaker = heard(test)
    results = measure(rows, speaker, scorer)
    timeline = Timeline(test.speaker, test.audio, np.asarray(test.videos), first_frames(test.files))
    questions = Questions.of(timeline, settings)
    for name, found in gains(rows, asked.model, speaker, reference, bootstrap, questions).items():
        results[name]["gain"] = found
    save_report(
        out,
        {
            "schema": VERSION,
            "headline": headline(results, len(bootstrap)),
            "listener": listener,
            "results": results,
            "left_out": left_out,
            "definitions": definitions(settings, scorer, questions),
            "n": {
                "clips": len(reference),
                "frames": reference.frames,
                "recordings": len(bootstrap),
                "samples": count,
                "training_windows": len(train),
                "bootstrap": settings.evaluation.bootstrap,
                "shifts": 0 if questions.shifts is None else len(questions.shifts.places),
            },
            "predicted_frames": {"first": frames.start, "last": WINDOW - 1},
            "data": {"sha256": fingerprint(reference)},
            "seeds": {"evaluation": settings.seed, "samples": int(drawn["seed"].item())},
            "codebook_use": asked.use,
            "config": {
                "codebook": asked.codebook,
                "predictor": asked.predictor,
                "sampling": json.loads(drawn["sampling"].item()),
                "evaluation": settings.evaluation.model_dump(),
            },
            "versions": versions(),
            "git_revision": git_revision(),
        },
    )
    log.info("wrote %s", out)
