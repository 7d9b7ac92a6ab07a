"""Predictions of other systems: three arrays in, eval.json out.

- PRED is (N, T, 56), or (S, N, T, 56) for S samples of the same inputs; TRUTH and SPEAKER are (N, T, 56), or (T, 56)
  for one clip. `.npy`, or `.npz` with one such array, or with one array for each clip when lengths differ.
- Columns are expression 50, head rotation 3, jaw 3. `--order pose-exp` says that the six pose columns, head rotation
  then jaw, stand before the expression.
- Without a list of recordings each clip is taken to be a recording of its own.
- A row for the predictions, for the truth, and for what can be made of the speaker; the others need training data.
"""

import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from l2l.arrays import INSANE, Array, map_npy, open_npz, sane
from l2l.asking import SpeakerInput
from l2l.config import Settings
from l2l.errors import UserError
from l2l.evaluation import results
from l2l.evaluation.baselines import LATE, Row, late
from l2l.evaluation.benefit import no_benefit
from l2l.evaluation.bootstrap import ONE_RECORDING, Bootstrap, Number, absent
from l2l.evaluation.clips import POSE, Clips, Reference
from l2l.evaluation.gain import CANNOT_BE_ASKED, gain, l2_errors, spread
from l2l.evaluation.score import Scorer
from l2l.evaluation.shifts import elsewhere
from l2l.inference import one_thread
from l2l.units import MODEL_DIM

Order = Literal["exp-pose", "pose-exp"]
NO_TRAINING = "it needs training data, which three arrays do not have"
NO_SHIFTED = "no predictions for shifted speakers were given (--shifted)"


def read_clips(path: Path, order: Order, *, leading: int = 0) -> list[np.ndarray]:
    """N arrays (T, 56), or with `leading` 1 (S, T, 56), float32; without samples, S is 1.

    Raises UserError naming the file, and what is wrong in it.
    """
    kind, get, numbers = (
        "an .npy or .npz array that can be read",
        "give a file of numpy.save or numpy.savez",
        Array(None),
    )
    if path.is_file() and zipfile.is_zipfile(path):
        with open_npz(path, kind, "", get=get, packed=True) as file:
            found = [file.read(name, numbers) for name in file.names]
    else:
        found = [map_npy(path, kind, "", numbers, get=get)]
    if len(found) == 1 and found[0].ndim >= 3:  # clips of one length
        found = list(np.moveaxis(found[0], leading, 0) if found[0].ndim == 3 + leading else found[0])
    clips = []
    for number, clip in enumerate(found):
        clip = clip[None] if clip.ndim == leading + 1 else clip  # a single sample
        wanted = "(" + "S, " * leading + f"T, {MODEL_DIM})"
        if clip.ndim != 2 + leading or clip.shape[-1] != MODEL_DIM or 0 in clip.shape:
            raise UserError(f"{path}: clip {number} has shape {clip.shape}, expected {wanted}.")
        if not sane(clip):
            raise UserError(f"{path}: clip {number} holds {INSANE}; give finite numbers.")
        if order == "pose-exp":
            clip = np.roll(clip, POSE.start, -1)
        clips.append(np.asarray(clip, np.float32))
    return clips


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


@one_thread()  # as in l2l.evaluation.evaluate
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
    true, speakers = read_clips(truth, order), read_clips(speaker, order)
    mine = read_clips(predicted, order, leading=1)
    for path, clips in ((speaker, speakers), (predicted, mine)):
        lengths = [clip.shape[-2] for clip in clips]
        if lengths != [len(clip) for clip in true]:
            raise UserError(
                f"{path} has {len(clips)} clips of {_lengths(lengths)} frames, {truth} has {len(true)} of "
                f"{_lengths([len(clip) for clip in true])}; give clips of the same moments."
            )
    names = read_recordings(recordings, len(true))
    reference = Reference(true, speakers, [clip[:0] for clip in true], names)
    bootstrap = Bootstrap(names, settings.evaluation.bootstrap, settings.seed)
    scorer = Scorer(reference, bootstrap, settings.seed, settings.evaluation.event_window)
    answers = {"model": (f"the predictions in {predicted.name}", mine), "truth": ("the true listener", _single(true))}
    left_out = dict.fromkeys(("mean_pose", "median_pose", "random_training_window"), NO_TRAINING)
    left_out |= dict.fromkeys(("nearest_motion", "nearest_audio"), NO_TRAINING)
    other = elsewhere(names, settings.seed)
    if other is None:
        left_out["truth_other_recording"] = ONE_RECORDING
    else:
        what = "the true listener of a random clip of another recording, repeated or cut to length"
        clips = [np.resize(true[source], clip.shape) for source, clip in zip(other, true, strict=True)]
        answers["truth_other_recording"] = what, _single(clips)
    answers["mirror"] = "the speaker's own motion", _single(speakers)
    answers["delayed_mirror"] = LATE, _single([late(clip) for clip in speakers])
    rows = [_row(name, *answer) for name, answer in answers.items()]
    none = SpeakerInput(np.zeros((0, 0, MODEL_DIM)), np.zeros((0, 2), int), lambda: np.zeros((0, 0, 0)))
    found = results.measure(rows, none, scorer)
    for name in found:
        found[name] |= {**no_benefit(), "gain": {"l2": CANNOT_BE_ASKED}}
    found["model"]["gain"] = {"l2": _gain(mine, true, shifted, order, bootstrap)}
    return results.write(out, settings, scorer, found, left_out, {"order": order})


def _gain(mine: Clips, true: Clips, shifted: Path | None, order: Order, bootstrap: Bootstrap) -> Number:
    """The gain from given predictions with shifted speakers, one for each of K shifts."""
    if shifted is None:
        return absent(NO_SHIFTED)
    others = read_clips(shifted, order, leading=1)
    if [clip.shape[-2] for clip in others] != [len(clip) for clip in true]:
        raise UserError(f"{shifted} must hold predictions (K, N, T, {MODEL_DIM}) of the same clips as the truth.")
    scale = spread(true)
    true = [clip / scale for clip in true]
    errors = np.array([l2_errors(p[:, None], g[None], scale)[0] for p, g in zip(mine, true, strict=True)])
    wrong = [[l2_errors(q[None, None], g[None], scale)[0] for q in p] for p, g in zip(others, true, strict=True)]
    return gain(errors, np.array(wrong).T, bootstrap)


def _row(name: str, what: str, clips: Clips) -> Row:
    return Row(name, what, lambda _: clips, uses_speaker=None, samples=len(clips[0]))


def _single(clips: Clips) -> Clips:
    """Clips (T, 56) as one sample of each (1, T, 56)."""
    return [clip[None] for clip in clips]


def _lengths(lengths: list[int]) -> str:
    return str(lengths[0]) if len(set(lengths)) == 1 else f"{min(lengths)} to {max(lengths)}"
