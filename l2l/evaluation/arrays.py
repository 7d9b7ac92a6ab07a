"""Anybody's predictions: three arrays in, eval.json out, so that other systems can be compared.

- PRED is (N, T, 56), or (S, N, T, 56) for S samples of the same inputs; TRUTH and SPEAKER are (N, T, 56), or (T, 56)
  for one clip. `.npy`, or `.npz` with one such array, or with one array for each clip when lengths differ.
- Columns are expression 50, head rotation 3, jaw 3. `--order pose-exp` says that the six pose columns, head rotation
  then jaw, stand before the expression.
- Without a list of recordings each clip is taken to be a recording of its own.
- A row for the predictions, for the truth, and for what can be made of the speaker; the others need training data.
"""

import logging
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from l2l.asking import Speaker
from l2l.config import Settings
from l2l.errors import UserError
from l2l.evaluation.baselines import DELAY, Row
from l2l.evaluation.bootstrap import ONE_RECORDING, Bootstrap
from l2l.evaluation.clips import POSE, Clips, Reference
from l2l.evaluation.gain import gain, l2_errors
from l2l.evaluation.provenance import git_revision, versions
from l2l.evaluation.report import VERSION, headline, save_report
from l2l.evaluation.results import CANNOT_BE_ASKED, definitions, fingerprint, measure
from l2l.evaluation.score import Scorer
from l2l.evaluation.shifts import elsewhere
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)

Order = Literal["exp-pose", "pose-exp"]
NO_TRAINING = "it needs training data, which three arrays do not have"
NO_SHIFTED = "no predictions for shifted speakers were given (--shifted)"


def read_clips(path: Path, order: Order, *, leading: int = 0) -> list[np.ndarray]:
    """N arrays (T, 56), or with `leading` 1 (S, T, 56), float32; without samples, S is 1.

    Raises UserError naming the file, and what is wrong in it.
    """
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            found = [loaded[name] for name in loaded.files] if isinstance(loaded, np.lib.npyio.NpzFile) else [loaded]
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        raise UserError(f"{path} is not an .npy or .npz array that can be read.") from None
    if len(found) == 1 and found[0].ndim >= 3:  # clips of one length
        found = list(np.moveaxis(found[0], leading, 0) if found[0].ndim == 3 + leading else found[0])
    clips = []
    for number, clip in enumerate(found):
        clip = clip[None] if clip.ndim == leading + 1 else clip  # a single sample
        wanted = "(" + "S, " * leading + f"T, {MODEL_DIM})"
        if clip.ndim != 2 + leading or clip.shape[-1] != MODEL_DIM or 0 in clip.shape:
            raise UserError(f"{path}: clip {number} has shape {clip.shape}, expected {wanted}.")
        if not np.issubdtype(clip.dtype, np.number) or not np.isfinite(clip).all():
            raise UserError(f"{path}: clip {number} holds NaN, infinity or no numbers; give finite numbers.")
        clips.append(np.asarray(expression_first(clip, order), np.float32))
    return clips


def expression_first(motion: np.ndarray, order: Order) -> np.ndarray:
    """Columns as everywhere here: expression, head rotation, jaw."""
    if order == "exp-pose":
        return motion
    pose = POSE.stop - POSE.start
    return np.concatenate([motion[..., pose:], motion[..., :pose]], -1)


def read_recordings(path: Path | None, count: int) -> np.ndarray:
    """The recording of each clip, one name per line; (N,). Raises UserError when there are not as many as clips."""
    if path is None:
        return np.array([f"clip {n}" for n in range(count)])
    try:
        names = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{path} is not a text file that can be read; give one recording's name per line.") from None
    names = [name.strip() for name in names if name.strip()]
    if len(names) != count:
        raise UserError(f"{path} names {len(names)} recordings, but there are {count} clips; give one line for each.")
    return np.array(names)


def evaluate_arrays(
    predicted: Path,
    truth: Path,
    speaker: Path,
    out: Path,
    settings: Settings,
    order: Order = "exp-pose",
    recordings: Path | None = None,
    shifted: Path | None = None,
) -> dict[str, Any]:
    """Write eval.json for three files, and return it; `shifted` has predictions (K, N, T, 56) for shifted speakers.

    Raises UserError naming the file when arrays cannot be read, do not belong together, or are not finite.
    """
    true, heard = read_clips(truth, order), read_clips(speaker, order)
    mine = read_clips(predicted, order, leading=1)
    for path, clips in ((speaker, heard), (predicted, mine)):
        lengths = [clip.shape[-2] for clip in clips]
        if lengths != [len(clip) for clip in true]:
            raise UserError(
                f"{path} has {len(clips)} clips of {_lengths(lengths)} frames, {truth} has {len(true)} of "
                f"{_lengths([len(clip) for clip in true])}; give clips of the same moments."
            )
    names = read_recordings(recordings, len(true))
    reference = Reference(true, heard, [clip[:0] for clip in true], names)
    bootstrap = Bootstrap(names, settings.evaluation.bootstrap, settings.seed)
    scorer = Scorer(reference, bootstrap, settings.seed, settings.evaluation.event_window)
    rows = [Row("model", f"the predictions in {predicted.name}", lambda _: mine, hears=None)]
    left_out = dict.fromkeys(("mean_pose", "median_pose", "random_training_window"), NO_TRAINING)
    left_out |= dict.fromkeys(("nearest_motion", "nearest_audio"), NO_TRAINING)
    rows.append(Row("truth", "the true listener", lambda _: [clip[None] for clip in true], hears=None))
    other = elsewhere(names, settings.seed)
    if other is None:
        left_out["truth_other_recording"] = ONE_RECORDING
    else:
        lent = [_as_long(true[source], len(clip))[None] for source, clip in zip(other, true, strict=True)]
        what = "the true listener of a random clip of another recording, repeated or cut to length"
        rows.append(Row("truth_other_recording", what, lambda _: lent, hears=None))
    rows.append(Row("mirror", "the speaker's own motion", lambda _: [clip[None] for clip in heard], hears=None))
    late = [clip[np.maximum(np.arange(len(clip)) - DELAY, 0)][None] for clip in heard]
    rows.append(Row("delayed_mirror", f"the speaker's own motion, {DELAY} frames late", lambda _: late, hears=None))
    nobody = Speaker(np.zeros((0, 0, MODEL_DIM)), lambda: np.zeros((0, 0, 0)))
    results = measure(rows, nobody, scorer)
    asked = _gain(mine, true, shifted, order, bootstrap)
    for name in results:
        results[name]["gain"] = {"l2": asked if name == "model" else dict(CANNOT_BE_ASKED)}
    longest = max(map(len, true))
    report = {
        "schema": VERSION,
        "headline": headline(results, len(bootstrap)),
        "listener": None,
        "results": results,
        "left_out": left_out,
        "definitions": definitions(settings, scorer, None),
        "n": {
            "clips": len(reference),
            "frames": reference.frames,
            "recordings": len(bootstrap),
            "samples": len(mine[0]),
            "training_windows": None,
            "bootstrap": settings.evaluation.bootstrap,
            "shifts": 0,
        },
        "predicted_frames": {"first": 0, "last": longest - 1},
        "data": {"sha256": fingerprint(reference)},
        "seeds": {"evaluation": settings.seed, "samples": None},
        "codebook_use": None,
        "config": {"order": order, "evaluation": settings.evaluation.model_dump()},
        "versions": versions(),
        "git_revision": git_revision(),
    }
    save_report(out, report)
    log.info("wrote %s", out)
    return report


def _gain(mine: Clips, true: Clips, shifted: Path | None, order: Order, bootstrap: Bootstrap) -> dict[str, Any]:
    """The gain from predictions that somebody made with shifted speakers, one for each of K shifts."""
    if shifted is None:
        return {"value": None, "interval_95": None, "reason": NO_SHIFTED}
    others = read_clips(shifted, order, leading=1)
    if [clip.shape[-2] for clip in others] != [len(clip) for clip in true]:
        raise UserError(f"{shifted} must hold predictions (K, N, T, {MODEL_DIM}) of the same clips as the truth.")
    scale = np.concatenate(true).std(0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1)
    errors = np.array([l2_errors(p[:, None], g[None], scale)[0] for p, g in zip(mine, true, strict=True)])
    wrong = [[l2_errors(q[None, None], g[None], scale)[0] for q in p] for p, g in zip(others, true, strict=True)]
    return gain(errors, np.array(wrong).T, bootstrap)


def _as_long(clip: np.ndarray, frames: int) -> np.ndarray:
    return clip[np.arange(frames) % len(clip)]


def _lengths(lengths: list[int]) -> str:
    return str(lengths[0]) if len(set(lengths)) == 1 else f"{min(lengths)} to {max(lengths)}"
