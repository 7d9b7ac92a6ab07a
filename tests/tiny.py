"""The smallest settings that still learn something in a second or two."""

from typing import Any

from l2l import config
from l2l.config import Settings


def tiny_patches(steps: int = 30, seed: int = 0, **sections: Any) -> Settings:
    """Settings of patch models of a few thousand weights, trained for `steps` steps on one thread."""
    training = {"batch_size": 8, "learning_rate": 8e-3, "warmup_steps": 5, "max_steps": steps}
    training |= {"validate_every": max(steps // 4, 1), "threads": 1, "device": "cpu"}
    values = {
        "seed": seed,
        "codebook": {"width": 24, "pose_latent": 4, "expression_latent": 6, "codes": 16, "training": training},
        "predictor": {"width": 16, "layers": 2, "heads": 2, "head_width": 16, "crop": 12, "training": training},
        "sampling": {"samples": 3},
        "evaluation": {"bootstrap": 50},
    }
    return Settings.model_validate(config.merge(values, sections))


def tiny_settings(steps: int = 30, seed: int = 0, **sections: Any) -> Settings:
    """Settings of a model of a few thousand weights, trained for `steps` steps on one thread."""
    training = {
        "batch_size": 16,
        "learning_rate": 4e-3,
        "warmup_steps": 10,
        "max_steps": steps,
        "validate_every": max(steps // 4, 1),
        "threads": 1,
        "device": "cpu",
    }
    sizes = {"layers": 1, "heads": 2, "feedforward_size": 32}
    values = {
        "seed": seed,
        "architecture": "windows",
        "windows": {
            "codebook": {**sizes, "hidden_size": 32, "codes": 32, "training": training},
            "predictor": {**sizes, "hidden_size": 16, "cross_layers": 1, "training": training},
        },
        "sampling": {"samples": 3},
        "evaluation": {"bootstrap": 50, "shifts": 5, "shift_seconds": 1},
    }
    return Settings.model_validate(config.merge(values, sections))
