"""From rows to eval.json: every row is measured alike, and what all its numbers are is said once."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l2l.asking import CodeUse, SpeakerInput
from l2l.codes import perplexity
from l2l.config import Settings
from l2l.evaluation import motion
from l2l.evaluation.baselines import Row
from l2l.evaluation.definitions import METRICS
from l2l.evaluation.provenance import git_revision, versions
from l2l.evaluation.report import VERSION, headline, save_report
from l2l.evaluation.score import Scorer
from l2l.evaluation.shifts import Shifts
from l2l.evaluation.side_by_side import side_by_side
from l2l.inference import one_thread
from l2l.progress import progress
from l2l.units import FPS

log = logging.getLogger(__name__)

_USE = "codes of the listener's true test motion; perplexity is exp of the entropy of their frequencies"


def measure(rows: Sequence[Row], speaker: SpeakerInput, scorer: Scorer) -> dict[str, dict[str, Any]]:
    """Row -> what it is, its number of samples, and metric -> part -> number."""

    def one(row: Row) -> dict[str, Any]:
        return {"is": row.what, "samples": row.samples, **scorer.score(row.predict(speaker))}

    longest_first = sorted(rows, key=lambda row: -row.samples)  # so that no thread is left with one at the end
    with one_thread(), side_by_side() as pool:
        measured = progress(pool.map(one, longest_first), "evaluate", unit="row", total=len(rows))
        scores = dict(zip((row.name for row in longest_first), measured, strict=True))
    return {row.name: scores[row.name] for row in rows}


def write(
    out: Path,
    settings: Settings,
    scorer: Scorer,
    results: dict[str, dict[str, Any]],
    left_out: dict[str, str],
    config: dict[str, Any],
    listener: str | None = None,
    first: int = 0,
    training_windows: int | None = None,
    samples_seed: int | None = None,
    used: CodeUse | None = None,
    shifts: Shifts | None = None,
    context: str | None = None,
    repeated: Sequence[str] = (),
    folds: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write eval.json and return it; `first` is the first predicted frame of a window, `context` that of the model."""
    reference, recordings = scorer.reference, len(scorer.bootstrap)
    report = {
        "schema": VERSION,
        "headline": headline(results, recordings, folds),
        "listener": listener,
        "results": results,
        "left_out": left_out,
        "folds": folds,
        "repeats": list(repeated),
        "definitions": definitions(settings, scorer, shifts, used, context),
        "n": {
            "clips": len(reference),
            "frames": sum(reference.lengths),
            "recordings": recordings,
            "samples": results["model"]["samples"],
            "training_windows": training_windows,
            "bootstrap": settings.evaluation.bootstrap,
            "shifts": len(shifts or ()),
        },
        "predicted_frames": {"first": first, "last": first + max(reference.lengths) - 1},
        "data": {"sha256": reference.fingerprint()},
        "seeds": {"evaluation": settings.seed, "samples": samples_seed},
        "codebook_use": _use(used) if used else None,
        "config": config | {"evaluation": settings.evaluation.model_dump()},
        "versions": versions(),
        "git_revision": git_revision(),
    }
    save_report(out, report)
    log.info("wrote %s", out)
    return report


def definitions(
    settings: Settings, scorer: Scorer, shifts: Shifts | None, used: CodeUse | None, context: str | None = None
) -> dict[str, Any]:
    """What every number is, with the parameters it was made with; a parameter may have a value for each part."""
    evaluation, longest = settings.evaluation, max(scorer.reference.lengths)
    parameters: dict[str, dict[str, Any]] = {
        name: {"k": clusters, "random_state": 0, "n_init": 1} for name, clusters in motion.CLUSTERS.items()
    }
    parameters["seam"] = {"block": scorer.block}
    parameters["diversity_pairs"] = {"pairs": len(motion.frame_pairs(longest, 0)[0]), "seed": settings.seed}
    lag = {"longest_lag": min(2 * FPS - 1, longest // 2)}
    parameters |= {name: lag for name in METRICS if name.startswith("tlcc")}
    events = {"window_seconds": evaluation.event_window}
    parameters |= {f"event_{name}": events for name in ("precision", "recall", "f1")}
    if shifts:
        parameters["gain"] = {
            "shifts": len(shifts),
            "seconds_at_least": evaluation.shift_seconds,
            "clips_within_their_recording": int(shifts.within.sum()),
            "clips_with_other_recordings": int((~shifts.within).sum()),
            "seed": settings.seed,
        }
    if used:
        which = used.codebook[:12]
        parameters.setdefault("gain", {})["codebook"] = {"nll": which}
        of_codes = ("l2_released", "l2_released_best", "nats", "over_unconditional")
        parameters |= {name: {"codebook": which} for name in of_codes}
    if context:
        parameters.setdefault("gain", {})["context"] = {"nll": context}
        for name in ("nats", "over_unconditional"):
            parameters.setdefault(name, {})["context"] = context
    found: dict[str, Any] = {}
    for name, metric in METRICS.items():
        about = {key: getattr(metric, key) for key in ("definition", "units", "pooling", "better", "source")}
        found[name] = {**about, "fps": FPS} | ({"parameters": parameters[name]} if name in parameters else {})
    found["folds"] = {
        "definition": "cross-validation: the same numbers of models that were trained on the other recordings",
        "units": "as of the numbers",
        "pooling": "mean over recordings; 95 % interval of Student's t",
        "source": "Stone 1974",
        "fps": FPS,
    }
    found["interval_95"] = {
        "definition": "middle 95 % of the bootstrap's draws of whole recordings, moved so that their mean is the value",
        "units": "of the value",
        "pooling": "all clips of a drawn recording count; the same draws for all numbers",
        "source": "Efron and Tibshirani 1993",
        "fps": FPS,
        "parameters": {"draws": len(scorer.bootstrap.counts), "seed": settings.seed},
    }
    return found


def _use(used: CodeUse) -> dict[str, Any]:
    """Codes used and perplexity; with several levels, of the least used one and then of each."""
    levels = {
        name: {"codes_used": int((level > 0).sum()), "perplexity": perplexity(level), "n": int(level.sum())}
        for name, level in used.counts.items()
    }
    size = len(next(iter(used.counts.values())))
    if len(levels) == 1:
        return {"definition": _USE, "codes": size, **next(iter(levels.values()))}
    least = min(levels.values(), key=lambda level: level["perplexity"])
    return {"definition": f"{_USE}; of the least used level", "codes": size, **least, "levels": levels}
