"""What the evaluation takes from checkpoints, of either architecture: the model that is asked, its codes, its sizes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2l import config
from l2l.asking import Model, PairModel
from l2l.config import Settings
from l2l.dataset.layout import Chunks
from l2l.features.standardize import Standardizer
from l2l.patches.asked import Model as PatchModel
from l2l.patches.checkpoint import load_codebook as load_patch_codebook
from l2l.patches.checkpoint import load_models as load_patch_models
from l2l.training.checkpoint import architecture, load_codebook, load_pair, sizes
from l2l.training.device import prepare
from l2l.units import MODEL_DIM, PATCH
from l2l.windows.codebook import FRAMES, perplexity

_AT_ONCE = 256  # windows
_USE = "codes of the listener's true test motion; perplexity is exp of the entropy of their frequencies"


@dataclass(frozen=True)
class Asked:
    """Without checkpoints there is nobody to ask, and no codes to speak of."""

    model: Model | None = None
    standardizer: Standardizer | None = None  # of the motion that the codebook sees
    block: int = FRAMES  # frames that one code stands for
    use: dict[str, Any] | None = None  # of the codes
    codebook: dict[str, Any] | None = None  # sizes
    predictor: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        codebook: Path | None,
        predictor: Path | None,
        test: Chunks,
        sampling: config.SamplingSettings,
        seed: int,
        settings: Settings,
    ) -> "Asked":
        """`sampling` and `seed` are the samples' own. Raises UserError for checkpoints that do not belong together."""
        found: dict[str, Any] = {"predictor": sizes(predictor, "predictor") if predictor else None}
        if codebook is None:
            return cls(**found)
        found["codebook"] = sizes(codebook, "codebook")
        if architecture(codebook, "codebook") == "patches":
            found["standardizer"], found["use"] = _patch_use(codebook, test)
            found["block"] = PATCH
            if predictor:
                models = load_patch_models(codebook, predictor).to(prepare(settings.predictor.training))
                own = settings.model_copy(update={"sampling": sampling, "seed": seed})
                found["model"] = PatchModel(models, test, own)
        else:
            found["standardizer"], found["use"] = _window_use(codebook, test)
            if predictor:
                device = prepare(settings.predictor.training)
                found["model"] = PairModel(load_pair(codebook, predictor), test, sampling, seed, device)
        return cls(**found)


def _coded(test: Chunks, standardizer: Standardizer, encode: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    """Codes (n, Q) of the listener's true motion, window after window."""
    parts = []
    for row in range(0, len(test), _AT_ONCE):
        motion = torch.from_numpy(standardizer.apply(test.listener[row : row + _AT_ONCE, :, :MODEL_DIM]))
        codes = encode(motion)
        parts.append(codes.reshape(-1, codes.shape[-1]).numpy())
    return np.concatenate(parts)


def _window_use(path: Path, test: Chunks) -> tuple[Standardizer, dict[str, Any]]:
    """Of one codebook for all channel groups, both halves of every window."""
    model, standardizer, _ = load_codebook(path)
    codes = _coded(test, standardizer, lambda motion: model.encode(motion.reshape(-1, FRAMES, MODEL_DIM)))
    counts = np.bincount(codes.ravel(), minlength=model.quantize.embedding.num_embeddings)
    return standardizer, {"definition": _USE, "codes": len(counts), **_counted(counts)}


def _patch_use(path: Path, test: Chunks) -> tuple[Standardizer, dict[str, Any]]:
    """Of each level of each codec; above them stands the least used one."""
    model, standardizer, _ = load_patch_codebook(path)
    codes = _coded(test, standardizer, model.encode)
    names = [f"{codec}_{level + 1}" for codec in ("pose", "expression") for level in range(model.levels)]
    levels = {
        name: _counted(np.bincount(level, minlength=model.codes)) for name, level in zip(names, codes.T, strict=True)
    }
    least = min(levels.values(), key=lambda level: level["perplexity"])
    return standardizer, {
        "definition": f"{_USE}; of the least used level",
        "codes": model.codes,
        **least,
        "levels": levels,
    }


def _counted(counts: np.ndarray) -> dict[str, Any]:
    return {"codes_used": int((counts > 0).sum()), "perplexity": perplexity(counts), "n": int(counts.sum())}
