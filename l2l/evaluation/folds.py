"""Does it listen, told from few recordings: each is answered by models that were trained on the others.

- A fold trains both models as always and asks its predictor about the recordings that it has not seen. What is drawn
  does not matter here, so strength and frequencies of drawing are not fitted.
- All folds together give one number for each recording. Their mean has an interval of Student's t: with 4 recordings,
  1.6 times as wide as that of the normal distribution. A bootstrap of so few would be too narrow.
- Folds share training recordings, which no interval takes into account (Bengio and Grandvalet 2004).
"""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from l2l import architectures
from l2l.arrays import TEXT, Array, open_npz
from l2l.config import Settings, merge
from l2l.dataset.conversations import Conversations, load_conversations
from l2l.dataset.folds import write_fold
from l2l.dataset.layout import SPLITS, WINDOW, Chunks, load_chunks
from l2l.errors import UserError
from l2l.evaluation.baselines import speakers
from l2l.evaluation.benefit import NO_PART
from l2l.evaluation.bootstrap import ONE_RECORDING, Number, absent
from l2l.evaluation.gain import gained
from l2l.evaluation.shifts import NO_SHIFT, shifts_of
from l2l.files import save_npz
from l2l.inference import one_thread
from l2l.progress import progress
from l2l.sides import Side

log = logging.getLogger(__name__)

_ONE_THREAD = {"training": {"threads": 1}}  # folds are trained side by side
_OF_FOLDS = {
    "codebook": _ONE_THREAD,
    "predictor": {**_ONE_THREAD, "strength": 1.0, "calibration_rounds": 0},  # they are for drawing only
    "windows": {"codebook": _ONE_THREAD, "predictor": _ONE_THREAD},
}


def ask_fold(
    chunks: Path, fold: int, of: int, listener: Side, settings: Settings, out: Path, people: tuple[str, ...] = ()
) -> None:
    """Train fold `fold` of `of` and write to `out`, an .npz, how wrong its model is about the fold's G recordings.

    - `recordings` (G,): their names; blocks of a single recording have a name each.
    - `true`, `without` (G,), `shifted` (K, G): errors per frame, with the true speaker, without a speaker (NaN where
      the model has no such part), and with K other moments of the speaker.
    - `error`: what is measured, e.g. "nll".

    What a fold works on lies beside `out` until it is done; so a training that was stopped goes on. A fold with too
    little to train or test on has no recordings, and says why. Raises UserError for windows that cannot be read.
    """
    settings = Settings.model_validate(merge(settings.model_dump(), _OF_FOLDS))
    folder = out.with_suffix("")
    codebook, predictor = folder / "codebook.pt", folder / "predictor.pt"
    counts = write_fold(chunks, fold, of, listener, folder)
    log.info("fold %d of %d: %d training and %d test windows", fold, of, counts["train"], counts["test"])
    test = load_chunks(folder, "test", listener)
    found = {"recordings": np.empty(0, "<U1"), "true": np.empty(0), "without": np.empty(0), "shifted": np.empty((0, 0))}
    error = "none"
    try:
        if not len(test):
            raise UserError("no recording is left to test on, because fewer can be used than were planned.")
        architectures.train_codebook(folder, listener, settings, codebook, folder / "log")
        architectures.train_predictor(folder, codebook, listener, settings, predictor, folder / "log", people)
        conversations = load_conversations(folder, "test", listener)
        error, found = _asked(codebook, predictor, test, settings, conversations)
    except UserError as problem:  # too little data: the others go on, and the main model has a verdict of its own
        log.warning("fold %d of %d has no answer: %s", fold, of, problem)
    if len({name for split in SPLITS for name in load_chunks(folder, split, listener).videos.tolist()}) == 1:
        found["recordings"] = np.array([f"{name}, block {fold}" for name in found["recordings"]], str)
    save_npz(out, error=np.array(error), **found)
    shutil.rmtree(folder)


@one_thread()  # as in l2l.evaluation.evaluate
def _asked(
    codebook: Path, predictor: Path, test: Chunks, settings: Settings, conversations: Conversations | None
) -> tuple[str, dict[str, np.ndarray]]:
    model = architectures.load_asked(codebook, predictor, test, settings, conversations)
    shifts = shifts_of(test, settings)
    names, index = np.unique(test.videos, return_inverse=True)
    frames = np.bincount(index) * (WINDOW // 2 if settings.sampling.past == "real" else WINDOW)  # (G,)

    def per_frame(errors: np.ndarray) -> np.ndarray:
        return np.bincount(index, errors) / frames

    without = model.errors_without()
    moments = progress(shifts, "other moments", unit="shift", total=len(shifts))
    others = [per_frame(model.errors(moment)) for moment in moments]
    return model.error, {
        "recordings": names,
        "true": per_frame(model.errors(speakers(test))),
        "without": np.full(len(names), np.nan) if without is None else per_frame(without),
        "shifted": np.array(others).reshape(len(shifts), len(names)),
    }


def pooled(paths: Sequence[Path]) -> dict[str, Any] | None:
    """What eval.json says of all folds together; None without folds. Raises UserError naming a file that is wrong."""
    if not paths:
        return None
    errors, names, gains, heard, alone = set(), list[str](), list[float](), list[float](), list[float]()
    for path in paths:
        with open_npz(path, "a fold's errors", "l2l fold") as file:
            recordings = file.read("recordings", Array(("R",), "Uf")).tolist()  # none are numbers
            if not recordings:
                continue
            errors.add(file.read("error", TEXT).item())
            true, without = (file.read(name, Array(("R",), holes=True)) for name in ("true", "without"))
            shifted = file.read("shifted", Array(("S", "R"), holes=True))
        names += recordings
        gains += (gained(true, shifted) if len(shifted) else np.full(len(true), np.nan)).tolist()
        heard += true.tolist()
        alone += without.tolist()
    if not names:
        return None
    if len(errors) != 1 or len(set(names)) != len(names):
        raise UserError(f"{', '.join(map(str, paths))} are no folds of one set; make them again with `l2l fold`.")
    without = np.array(alone)
    with_speaker = np.where(np.isfinite(without), heard, np.nan)  # the two beside each other, or none
    return {
        "folds": len(paths),
        "recordings": names,
        "gain": {errors.pop(): student(np.array(gains), NO_SHIFT)},
        "nats": {"with_speaker": student(with_speaker, NO_PART), "without_speaker": student(without, NO_PART)},
        "over_unconditional": {"nll": student(without - with_speaker, NO_PART)},
    }


def student(values: np.ndarray, missing: str) -> Number:
    """Mean of the values of recordings (G,), NaN left out, with the 95 % interval of Student's t."""
    known = values[np.isfinite(values)]
    if not len(known):
        return absent(missing)
    mean, count = float(known.mean()), len(known)
    if count == 1:
        return absent(ONE_RECORDING) | {"value": mean}
    half = float(stdtrit(count - 1, 0.975) * known.std(ddof=1) / np.sqrt(count))
    return {"value": mean, "interval_95": [mean - half, mean + half]}
