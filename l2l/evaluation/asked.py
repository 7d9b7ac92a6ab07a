"""What the evaluation takes from checkpoints: the model that is asked, the use of its codes, its sizes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l2l import architectures, config
from l2l.asking import Model
from l2l.codes import perplexity
from l2l.config import Settings
from l2l.dataset.layout import WINDOW, Chunks
from l2l.features.standardize import Standardizer
from l2l.training.checkpoint import read_checkpoint

_USE = "codes of the listener's true test motion; perplexity is exp of the entropy of their frequencies"


@dataclass(frozen=True)
class Asked:
    """Without checkpoints there is no model to ask and no codebook."""

    model: Model | None = None
    standardizer: Standardizer | None = None  # of the motion that the codebook sees
    block: int = WINDOW // 2  # frames that one code stands for
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
        found: dict[str, Any] = {"predictor": _sizes(predictor, "predictor") if predictor else None}
        if codebook is None:
            return cls(**found)
        used = architectures.code_use(codebook, test)
        found |= {"codebook": _sizes(codebook, "codebook"), "standardizer": used.standardizer, "block": used.block}
        found["use"] = _use(used.counts)
        if predictor:
            own = settings.model_copy(update={"sampling": sampling, "seed": seed})
            found["model"] = architectures.load_asked(codebook, predictor, test, own)
        return cls(**found)


def _sizes(path: Path, kind: str) -> dict[str, Any]:
    """The settings that a model was trained with. Raises UserError when it cannot be read."""
    return dict(read_checkpoint(path, kind).get("config", {}))


def _use(counts: dict[str, np.ndarray]) -> dict[str, Any]:
    """Codes used and perplexity; with several levels, of the least used one and then of each."""
    levels = {
        name: {"codes_used": int((level > 0).sum()), "perplexity": perplexity(level), "n": int(level.sum())}
        for name, level in counts.items()
    }
    least = min(levels.values(), key=lambda level: level["perplexity"])
    size = len(next(iter(counts.values())))
    if len(levels) == 1:
        return {"definition": _USE, "codes": size, **least}
    return {"definition": f"{_USE}; of the least used level", "codes": size, **least, "levels": levels}
