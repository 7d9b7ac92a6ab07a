"""The smallest settings that still learn something in a second or two."""

from pathlib import Path
from typing import Any

import torch

from l2l import config
from l2l.config import Settings
from l2l.patches.codebook import Codebook


def tiny_patches(steps: int = 30, seed: int = 0, **sections: Any) -> Settings:
    """Settings of patch models of a few thousand weights, trained for `steps` steps on one thread."""
    training = {"batch_size": 8, "learning_rate": 8e-3, "warmup_steps": 5, "max_steps": steps}
    training |= {"validate_every": max(steps // 4, 1), "threads": 1, "device": "cpu"}
    values = {
        "seed": seed,
        "codebook": {"width": 24, "pose_latent": 4, "expression_latent": 6, "codes": 16, "training": training},
        "predictor": {
            **{"width": 16, "layers": 2, "heads": 2, "head_width": 16, "crop": 12},
            **{"branch": {"steps": 10}, "calibration_rounds": 2, "training": training},
        },
        "sampling": {"samples": 3},
        "evaluation": {"bootstrap": 50},
    }
    return Settings.model_validate(config.merge(values, sections))


def untrained_codebook() -> Codebook:
    """Its codes lie anywhere; those of a new codebook are all zero until k-means has seen motion."""
    torch.manual_seed(0)
    codebook = Codebook(tiny_patches().codebook).eval().requires_grad_(False)
    for codec in (codebook.pose, codebook.expression):
        for level in codec.quantizer.layers:
            level._codebook.embed.normal_(std=0.5)
    return codebook


def with_a_branch(path: Path) -> None:
    """Let the branch of a predictor's checkpoint say something; a few steps of training leave it at nothing."""
    content, generator = torch.load(path, weights_only=True), torch.Generator().manual_seed(0)
    for name, weight in content["state_dict"].items():
        if name.startswith("branch.aims"):
            weight.copy_(torch.randn(weight.shape, generator=generator))
    torch.save(content, path)


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
