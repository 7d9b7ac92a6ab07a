"""evaluate: eval.json, one file of numbers with all that is needed to read them.

- Every number comes with its definition, units, n and seed, beside the baselines it has to beat and the controls it has
  to be read with.
- Only frames that were predicted are compared.
- The model, when it is given, is asked again: with speakers of other moments (`gain`) and of other recordings.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from l2l import architectures
from l2l.config import Settings
from l2l.dataset.conversations import load_conversations
from l2l.dataset.layout import WINDOW, Chunks, check_numbers, load_chunks
from l2l.dataset.samples import load_samples, sampling_of
from l2l.errors import UserError
from l2l.evaluation import motion, results
from l2l.evaluation.baselines import Row, controls, speakers, training_rows
from l2l.evaluation.bootstrap import Bootstrap
from l2l.evaluation.clips import Reference
from l2l.evaluation.events import Directions
from l2l.evaluation.folds import pooled
from l2l.evaluation.gain import gains
from l2l.evaluation.repeats import repeats
from l2l.evaluation.score import Scorer
from l2l.evaluation.shifts import shifts_of
from l2l.inference import one_thread
from l2l.sides import Side
from l2l.training.checkpoint import read_checkpoint
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)


def reference_of(test: Chunks, frames: slice, given: np.ndarray) -> Reference:
    """Windows as clips, `given` (N,) frames of past each, in which events and seams are found too."""
    listener = np.asarray(test.listener[..., :MODEL_DIM], np.float32)  # (N, 64, 56)
    speaker = np.asarray(test.speaker[:, frames, :MODEL_DIM], np.float32)
    before = [window[:count] for window, count in zip(listener, given, strict=True)]
    return Reference(list(listener[:, frames]), list(speaker), before, np.asarray(test.videos))


@one_thread()  # a file must not depend on the machine
def evaluate(
    chunks: Path,
    samples: Path,
    listener: Side,
    settings: Settings,
    out: Path,
    codebook: Path | None = None,
    predictor: Path | None = None,
    basis: Path | None = None,
    folds: Sequence[Path] = (),
) -> None:
    """Compare the samples, baselines and controls with the test windows and write eval.json to `out`.

    `chunks` is a person's folder, `samples` what `sample` wrote for its test windows. Checkpoints and face basis are
    optional; without them some rows and numbers are left out, with the reason. `folds` are files of `l2l fold`. Raises
    UserError for empty test chunks or files that do not belong together.
    """
    test, train = load_chunks(chunks, "test", listener), load_chunks(chunks, "train", listener)
    for split, data in {"test": test, "train": train}.items():
        if not len(data):
            raise UserError(f"{chunks}/{split} has no {split} windows; add a second recording or longer ones.")
    drawn = load_samples(samples, len(test))
    sampling, seed = sampling_of(drawn, samples), int(drawn["seed"].item())
    test = test.first(drawn["samples"].shape[1])
    check_numbers(chunks, "test", test, ("listener", "speaker", "audio"))
    frames, count = slice(int(drawn["first_frame"].item()), WINDOW), len(drawn["samples"])
    futures = drawn.pop("samples")[:, :, frames].copy()  # (S, N, T, 56); what was given is half of it
    reference = reference_of(test, frames, drawn["given"])
    truth = np.stack(reference.truth)  # (N, T, 56)
    repeated = repeats(train, test)
    for sentence in repeated:
        log.warning("%s", sentence)
    used = architectures.code_use(codebook, test) if codebook else None
    model = None
    if codebook and predictor:
        own = settings.model_copy(update={"sampling": sampling, "seed": seed})
        conversations = load_conversations(chunks, "test", listener)
        model = architectures.load_asked(codebook, predictor, test, own, conversations)
    released = None
    if used:  # smoothing, where there is any, takes whole windows
        standard = used.standardizer.apply(test.listener[..., :MODEL_DIM])[:, frames].copy()
        released = list(standard), used.standardizer
    bootstrap = Bootstrap(reference.recordings, settings.evaluation.bootstrap, settings.seed)
    scorer = Scorer(
        reference,
        bootstrap,
        settings.seed,
        settings.evaluation.event_window,
        released,
        Directions.of(basis) if basis else Directions.without_basis(truth),
        block=used.block if used else motion.BLOCK,
    )
    others, left_out = controls(model, test, truth, count, settings.seed)
    mine = Row("model", "the sampled futures", lambda _: futures, uses_speaker=None, samples=count)
    rows = [mine, *training_rows(train, len(test), frames, count, settings.seed), *others]
    speaker, shifts = speakers(test), shifts_of(test, settings)
    found = results.measure(rows, speaker, scorer)
    for name, listening in gains(rows, model, speaker, reference, bootstrap, shifts).items():
        found[name] |= listening
    results.write(
        out,
        settings,
        scorer,
        found,
        left_out,
        {**_sizes(codebook=codebook, predictor=predictor), "sampling": json.loads(drawn["sampling"].item())},
        listener=listener,
        first=frames.start,
        training_windows=len(train),
        samples_seed=seed,
        used=used,
        shifts=shifts,
        context=model.context if model else None,
        repeated=repeated,
        folds=pooled(folds),
    )


def _sizes(**checkpoints: Path | None) -> dict[str, dict[str, Any] | None]:
    """The settings that models were trained with. Raises UserError when one cannot be read."""
    return {
        kind: dict(read_checkpoint(path, kind).get("config", {})) if path else None
        for kind, path in checkpoints.items()
    }
