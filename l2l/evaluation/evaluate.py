"""evaluate: eval.json, one file of numbers with all that is needed to read them.

- Every number comes with its definition, units, n and seed, beside the baselines it has to beat.
- Only frames that were predicted are compared.
- There is no time stamp: the same inputs give the same file. A number that does not exist is null, with the reason.
"""

import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2l.config import Settings
from l2l.dataset.layout import REGIONS, WINDOW, Chunks, Side, load_chunks
from l2l.errors import UserError
from l2l.evaluation.baselines import mean_pose, mirror, random_training_window
from l2l.evaluation.metrics import bootstrap_interval, frechet, l2
from l2l.evaluation.provenance import git_revision, versions
from l2l.files import save_json
from l2l.models.codebook import FRAMES, perplexity
from l2l.training.checkpoint import architecture, load_codebook, load_pair, sizes
from l2l.training.patch_checkpoint import load_patch_codebook, load_patch_models
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)

SCHEMA = 1
UNITS = {
    "expression": "expression coefficients",
    "rotation": "radians (axis-angle)",
    "jaw": "radians (axis-angle)",
}
DEFINITIONS = {
    "l2": {
        "definition": "Euclidean norm of the error of one frame's channels of the region",
        "units": UNITS,
        "pooling": "mean over predicted frames, then over samples, then over windows",
        "better": "lower",
        "source": "Ng et al. 2022, section 4; here in raw units",
    },
    "best_of_samples_l2": {
        "definition": "l2 of the sample closest to the truth, chosen for each window and region with the truth in view",
        "units": UNITS,
        "pooling": "mean over predicted frames, least over samples, mean over windows",
        "better": "lower; compare only rows with the same number of samples",
        "source": "the usual best-of-S score of stochastic prediction",
    },
    "fd": {
        "definition": "squared Frechet distance between Gaussians fitted to predicted and to true frames (ddof 1)",
        "units": {region: f"({unit}) squared" for region, unit in UNITS.items()},
        "pooling": "predicted frames of all windows pooled; one distance per sample set, mean over the sets",
        "better": "lower",
        "source": "Heusel et al. 2017; Ng et al. 2022, section 4",
    },
    "interval_95": {
        "definition": "95 % percentile bootstrap of the mean, drawing whole test recordings with replacement",
        "pooling": "all windows of a drawn recording count",
        "source": "Efron and Tibshirani 1993",
    },
}
ROWS = {
    "model": "the sampled futures",
    "mean_pose": "the mean of all training frames, held still",
    "mirror": "the speaker's own motion at the same moment",
    "random_training_window": "the same frames of a random training window of the listener, one per window and sample",
}
ONE_RECORDING = "only one test recording: a bootstrap over recordings needs two"


def load_samples(path: Path, windows: int) -> dict[str, np.ndarray]:
    """The arrays of samples.npz, checked. Raises UserError naming the file and what is wrong."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("samples", "first_frame", "seed", "sampling")}
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; make it with `l2l sample` or the workflow.") from None
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        raise UserError(f"{path} is not a file of samples that can be read; sample again.") from None
    samples = arrays["samples"]
    # The settings say so when the last windows were left out on purpose.
    left_out = {"max_windows", "whole_batches"} & {k for k, v in json.loads(arrays["sampling"].item()).items() if v}
    if left_out and samples.ndim == 4 and 0 < samples.shape[1] < windows:
        windows = samples.shape[1]
    if samples.ndim != 4 or samples.shape[1:] != (windows, WINDOW, MODEL_DIM) or not len(samples):
        wanted = f"(samples, {windows}, {WINDOW}, {MODEL_DIM})"
        raise UserError(
            f"{path}: samples have shape {samples.shape}, expected {wanted}; sample these test chunks again."
        )
    if arrays["first_frame"].size != 1 or not 0 <= arrays["first_frame"].item() < WINDOW - 1:
        raise UserError(f"{path}: first_frame is {arrays['first_frame']}, expected 0 to {WINDOW - 2}; sample again.")
    if not np.isfinite(samples).all():
        raise UserError(f"{path}: the samples hold NaN or infinity; train the models again, then sample again.")
    return arrays


def score(predicted: np.ndarray, truth: np.ndarray, recordings: np.ndarray, settings: Settings) -> dict[str, Any]:
    """All metrics of one row: predicted (S, N, T, 56) against truth (N, T, 56), raw units."""

    def mean(values: np.ndarray) -> dict[str, Any]:
        interval = bootstrap_interval(values, recordings, settings.evaluation.bootstrap, settings.seed)
        number: dict[str, Any] = {"value": float(values.mean()), "interval_95": list(interval) if interval else None}
        return number if interval else {**number, "reason": ONE_RECORDING}

    found: dict[str, Any] = {"samples": len(predicted), "l2": {}, "best_of_samples_l2": {}, "fd": {}}
    for region, channels in REGIONS.items():
        errors = l2(predicted[..., channels], truth[..., channels])  # (S, N)
        distances = [frechet(sample[..., channels], truth[..., channels]) for sample in predicted]
        found["l2"][region] = mean(errors.mean(axis=0))
        found["best_of_samples_l2"][region] = mean(errors.min(axis=0))
        found["fd"][region] = {"value": float(np.mean(distances))}
    return found


def codebook_use(path: Path, test: Chunks) -> dict[str, Any]:
    """How many codes the listener's true test motion uses: both halves of every window, or its patches.

    A codebook of patches has several levels; the numbers are those of the one used least evenly.
    """
    levels = _patch_counts(path, test) if architecture(path, "codebook") == "patches" else _window_counts(path, test)
    least = min(levels, key=perplexity)
    return {
        "definition": "codes of the listener's true test motion; perplexity is exp of the entropy of their frequencies",
        "codes": len(least),
        "codes_used": int((least > 0).sum()),
        "perplexity": perplexity(least),
        "n": int(least.sum()),
    }


def _window_counts(path: Path, test: Chunks) -> list[np.ndarray]:
    model, standardizer, _ = load_codebook(path)
    counts = np.zeros(model.quantize.embedding.num_embeddings, np.int64)
    for row in range(0, len(test), 256):
        motion = torch.from_numpy(standardizer.apply(test.listener[row : row + 256, :, :MODEL_DIM]))
        codes = model.encode(motion.reshape(-1, FRAMES, MODEL_DIM))  # (2B, 4)
        counts += np.bincount(codes.flatten().numpy(), minlength=len(counts))
    return [counts]


def _patch_counts(path: Path, test: Chunks) -> list[np.ndarray]:
    model, standardizer, _ = load_patch_codebook(path)
    counts = np.zeros((model.per_patch, model.codes), np.int64)
    for row in range(0, len(test), 256):
        motion = torch.from_numpy(standardizer.apply(test.listener[row : row + 256, :, :MODEL_DIM]))
        for level, codes in enumerate(model.encode(motion).unbind(-1)):  # (B, 8)
            counts[level] += np.bincount(codes.flatten().numpy(), minlength=model.codes)
    return list(counts)


def _sizes(codebook: Path | None, predictor: Path | None) -> dict[str, Any]:
    """Sizes of the models, from their checkpoints."""
    if codebook and predictor:
        (load_patch_models if architecture(codebook, "codebook") == "patches" else load_pair)(codebook, predictor)
    paths = {"codebook": codebook, "predictor": predictor}
    return {kind: sizes(path, kind) if path else None for kind, path in paths.items()}


def evaluate(
    chunks: Path,
    samples: Path,
    listener: Side,
    settings: Settings,
    out: Path,
    codebook: Path | None = None,
    predictor: Path | None = None,
) -> None:
    """Compare the samples and three baselines with the test windows and write eval.json to `out`.

    `chunks` is a person's folder, `samples` what `sample` wrote for its test windows; the checkpoints are optional and
    add codebook use and model sizes. Raises UserError for empty test chunks or files that do not belong together.
    """
    test, train = load_chunks(chunks, "test", listener), load_chunks(chunks, "train", listener)
    for split, data in {"test": test, "train": train}.items():
        if not len(data):
            raise UserError(f"{chunks}/{split} has no {split} windows; add a second recording or longer ones.")
    drawn = load_samples(samples, len(test))
    test = test.first(drawn["samples"].shape[1])
    frames = slice(int(drawn["first_frame"].item()), WINDOW)
    truth = np.asarray(test.listener[:, frames, :MODEL_DIM], np.float32)  # (N, T, 56)
    if not np.isfinite(truth).all():
        raise UserError(f"{chunks}/test: the listener's motion has NaN or infinity; chunk again.")
    count = len(drawn["samples"])
    rows = {
        "model": drawn["samples"][:, :, frames],
        "mean_pose": mean_pose(train, len(test), frames),
        "mirror": mirror(test, frames),
        "random_training_window": random_training_window(train, len(test), frames, count, settings.seed),
    }
    results = {name: {"is": ROWS[name], **score(row, truth, test.videos, settings)} for name, row in rows.items()}
    save_json(
        out,
        {
            "schema": SCHEMA,
            "listener": listener,
            "results": results,
            "definitions": DEFINITIONS,
            "n": {
                "windows": len(test),
                "frames": truth.shape[0] * truth.shape[1],
                "recordings": len(np.unique(test.videos)),
                "samples": count,
                "training_windows": len(train),
                "bootstrap": settings.evaluation.bootstrap,
            },
            "predicted_frames": {"first": frames.start, "last": WINDOW - 1},
            "seeds": {"evaluation": settings.seed, "samples": int(drawn["seed"].item())},
            "codebook_use": codebook_use(codebook, test) if codebook else None,
            "config": {
                **_sizes(codebook, predictor),
                "sampling": json.loads(drawn["sampling"].item()),
                "evaluation": settings.evaluation.model_dump(),
            },
            "versions": versions(),
            "git_revision": git_revision(),
        },
    )
    log.info("wrote %s", out)
