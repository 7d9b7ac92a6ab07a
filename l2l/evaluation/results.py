"""From rows to results: every row is measured alike, and asked again with other moments of the speaker."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from l2l.asking import Model, Speaker
from l2l.config import Settings
from l2l.evaluation import diversity
from l2l.evaluation.baselines import Row
from l2l.evaluation.bootstrap import Bootstrap
from l2l.evaluation.clips import Reference, by_clip
from l2l.evaluation.definitions import METRICS
from l2l.evaluation.gain import DEAF, gain, l2_errors
from l2l.evaluation.score import Scorer
from l2l.evaluation.shifts import NO_SHIFT, Shifts, Timeline
from l2l.progress import progress
from l2l.units import FPS

_AT_ONCE = 2  # rows measured at a time; each needs a few hundred MB
CANNOT_BE_ASKED = {"value": None, "interval_95": None, "reason": METRICS["gain"].missing}


@dataclass(frozen=True)
class Questions:
    """Other moments of every speaker, to ask rows again with."""

    timeline: Timeline
    shifts: Shifts | None  # None: there are no other moments

    @classmethod
    def of(cls, timeline: Timeline, settings: Settings) -> "Questions":
        distance = round(settings.evaluation.shift_seconds * FPS)
        return cls(timeline, timeline.shifts(settings.evaluation.shifts, distance, settings.seed))


def measure(rows: Sequence[Row], speaker: Speaker, scorer: Scorer) -> dict[str, dict[str, Any]]:
    """Row -> what it is, its number of samples, and metric -> part -> number."""

    def one(row: Row) -> dict[str, Any]:
        predicted = by_clip(row.predict(speaker))
        return {"is": row.what, "samples": len(predicted[0]), **scorer.score(predicted)}

    at_once = min(_AT_ONCE, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    # Sums of matrix products depend on the number of threads inside them, so there is one; rows run side by side.
    with threadpool_limits(1), ThreadPoolExecutor(at_once) as pool:
        scores = progress(pool.map(one, rows), "evaluate", unit="row", total=len(rows))
        return {row.name: score for row, score in zip(rows, scores, strict=True)}


def gains(
    rows: Sequence[Row],
    model: Model | None,
    speaker: Speaker,
    reference: Reference,
    bootstrap: Bootstrap,
    questions: Questions,
) -> dict[str, dict[str, Any]]:
    """Row -> error -> gain. The model answers with its own error, the other rows with their L2 (standardized)."""
    found: dict[str, dict[str, Any]] = {row.name: {"l2": dict(CANNOT_BE_ASKED)} for row in rows}
    found |= {row.name: {"l2": dict(DEAF)} for row in rows if row.hears is False}
    truth = np.stack(reference.truth).astype(np.float64)  # (N, T, 56)
    spread = truth.std((0, 1))
    scale = np.where(spread > 0, spread, 1)
    asked = [row for row in rows if row.hears]

    def errors(heard: Speaker, pool: ThreadPoolExecutor) -> dict[str, np.ndarray]:
        of_model = pool.submit(model.errors, heard) if model else None
        of_rows = {row.name: l2_errors(np.asarray(row.predict(heard)), truth, scale) for row in asked}
        return of_rows | ({"model": of_model.result()} if of_model else {})

    names = {row.name: "l2" for row in asked} | ({"model": model.error} if model else {})
    if questions.shifts is None:
        nothing = {"value": None, "interval_95": None, "reason": NO_SHIFT}
        return found | {name: {error: nothing} for name, error in names.items()}
    with ThreadPoolExecutor(1) as pool:  # the model answers beside the rows
        true = errors(speaker, pool)
        others = [
            errors(questions.timeline.speaker(places), pool)
            for places in progress(questions.shifts.places, "other moments", unit="shift", total=None)
        ]
    for name, error in names.items():
        shifted = np.stack([other[name] for other in others])  # (K, N)
        found[name] = {error: gain(true[name], shifted, bootstrap)}
    return found


def definitions(settings: Settings, scorer: Scorer, questions: Questions | None) -> dict[str, Any]:
    """What every number is, with the parameters it was made with."""
    evaluation, lengths = settings.evaluation, [len(clip) for clip in scorer.reference.truth]
    parameters: dict[str, dict[str, Any]] = {
        name: {"k": clusters, "random_state": 0, "n_init": 1} for name, clusters in diversity.CLUSTERS.items()
    }
    pairs = len(diversity.frame_pairs(max(lengths), settings.seed)[0])
    parameters["seam"] = {"block": scorer.block}
    parameters["diversity_pairs"] = {"pairs": pairs, "seed": settings.seed}
    longest = min(2 * FPS - 1, max(lengths) // 2)
    parameters |= {name: {"longest_lag": longest} for name in METRICS if name.startswith("tlcc")}
    events = {"window_seconds": evaluation.event_window}
    parameters |= {f"event_{name}": events for name in ("precision", "recall", "f1")}
    if questions and questions.shifts:
        places, within = questions.shifts.places, questions.shifts.within
        parameters["gain"] = {
            "shifts": len(places),
            "seconds_at_least": evaluation.shift_seconds,
            "clips_within_their_recording": int(within.sum()),
            "clips_with_other_recordings": int((~within).sum()),
            "seed": settings.seed,
        }
    found: dict[str, Any] = {}
    for name, metric in METRICS.items():
        about = {key: getattr(metric, key) for key in ("definition", "units", "pooling", "better", "source")}
        found[name] = {**about, "fps": FPS} | ({"parameters": parameters[name]} if name in parameters else {})
    found["interval_95"] = {
        "definition": "middle 95 % of the bootstrap's draws of whole recordings, moved so that their mean is the value",
        "units": "of the value",
        "pooling": "all clips of a drawn recording count; the same draws for all numbers",
        "source": "Efron and Tibshirani 1993",
        "fps": FPS,
        "parameters": {"draws": len(scorer.bootstrap.counts), "seed": settings.seed},
    }
    return found


def fingerprint(reference: Reference) -> str:
    """sha256 over truth, speaker and recordings: what two files must share to be compared."""
    digest = hashlib.sha256()
    for truth, speaker, recording in zip(reference.truth, reference.speaker, reference.recordings, strict=True):
        for array in (truth, speaker):
            digest.update(np.ascontiguousarray(array, np.float32).tobytes())
        digest.update(str(recording).encode())
    return digest.hexdigest()
