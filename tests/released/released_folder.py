"""The folder of the released program, small: its JSON configurations, its data, and models with seeded weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2l.released.config import read_config, settings
from l2l.windows.codebook import Codebook
from l2l.windows.predictor import Predictor
from tests.released.seeded_weights import fill
from tests.synthetic import write_chunks

CODES = 20
LAYER = {"num_attention_heads": 2, "intermediate_size": 12}


def codebook_json(**changes: Any) -> dict[str, Any]:
    """A codebook configuration as released, with the keys that nothing reads."""
    values: dict[str, Any] = {
        "pipeline": "er2er",
        "tag": "tiny_",
        "who": "fallon",
        "segment_tag": "",
        "learning_rate": 2.0,
        "warmup_steps": 100,
        "model_path": "models/",
        "num_epochs": 4,
        "batch_size": 32,
        "log_step": 10,
        "data": {"local": 1, "basedir": "../", "speaker": "fallon"},
        "transformer_config": {
            "in_dim": 56,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            **LAYER,
            "quant_sequence_length": 4,
            "sequence_length": 32,
            "quant_factor": 3,
        },
        "VQuantizer": {"n_embed": CODES, "zquant_dim": 16},
    }
    return {**values, **changes}


def predictor_json(**changes: Any) -> dict[str, Any]:
    """A predictor configuration as released."""
    values: dict[str, Any] = {
        "l_vqconfig": "vqgan/configs/codebook.json",
        "pipeline": "er2er",
        "tag": "small_",
        "learning_rate": 0.01,
        "warmup_steps": 100,
        "model_path": "models/",
        "num_epochs": 3,
        "batch_size": 32,
        "log_step": 10,
        "loss_config": {"loss_type": "mse", "loss_aug": {"any": 1}, "weight": 1},
        "patch": 8,
        "data": {"local": 1, "basedir": "./", "speaker": "fallon"},
        "fact_model": {
            "cross_modal_model": {
                "in_dim": 12,
                "transformer": {"hidden_size": 12, "num_hidden_layers": 2, **LAYER},
                "output_layer": {"out_dim": CODES},
                "sequence_length": 9,
                "max_mask_len": 4,
            },
            "listener_past_transformer_config": {
                "in_dim": CODES,
                "hidden_size": 12,
                "num_hidden_layers": 1,
                **LAYER,
                "sequence_length": 4,
            },
            "speaker_full_transformer_config": {
                "in_dim": 56,
                "hidden_size": 12,
                "num_hidden_layers": 5,
                **LAYER,
                "sequence_length": 40,
                "use_continuous": True,
                "use_conv": True,
            },
        },
    }
    return {**values, **changes}


def write_folder(root: Path, windows: int = 40, speaker: str = "fallon") -> Path:
    """Configurations and data (`windows` of training and of test, both sides); returns `root`."""
    write_configs(root, speaker)
    for seed, listener in enumerate(("left", "right")):
        for split in ("train", "test"):
            write_chunks(root / "data" / "fallon", windows // 4, 4, listener, split, seed=seed)
    return root


def write_configs(root: Path, speaker: str) -> None:
    """The JSON configurations of both models."""
    data = {"local": 1, "speaker": speaker}
    for path, values in (
        (root / "vqgan" / "configs" / "codebook.json", codebook_json(data={**data, "basedir": "../"})),
        (root / "configs" / "predictor.json", predictor_json(data={**data, "basedir": "./"})),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))


def write_models(root: Path) -> dict[str, dict[str, Any]]:
    """Both models as released files with an optimizer that has taken three steps; returns what the .pth files hold."""
    contents = {}
    for stage, path, seed in (
        ("codebook", "vqgan/configs/codebook.json", 5),
        ("predictor", "configs/predictor.json", 6),
    ):
        found = read_config(root / path)
        sizes = settings(found)
        model: Any = (
            Codebook(sizes.windows.codebook) if stage == "codebook" else Predictor(sizes.windows.predictor, CODES)
        )
        fill(model, seed)
        kind = torch.optim.AdamW if stage == "codebook" else torch.optim.Adam
        optimizer = kind(model.parameters(), lr=1e-5, betas=(0.9, 0.98), eps=1e-9)
        for step in range(3):
            for name, parameter in model.named_parameters():
                # The dead part of the predictor never has a gradient, and so no state.
                if not name.startswith("listener_past_transformer"):
                    parameter.grad = torch.full_like(parameter, 1e-3 * (step + 1))
            optimizer.step()
        content = {
            "config": path,
            "state_dict": {f"module.{key}": value for key, value in model.state_dict().items()},
            "optimizer": {"optimizer": optimizer.state_dict(), "n_steps": 3},
            "epoch": 7,
        }
        file = found.checkpoint(root)
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, file)
        names = {"X": 56, "Y": 56, "audio": 128} if stage == "codebook" else {"X": 56, "audio": 128}
        rng = np.random.default_rng(seed)
        arrays = {}
        for name, channels in names.items():
            arrays[f"body_mean_{name}"] = rng.standard_normal((1, 1, channels)).astype(np.float32)
            arrays[f"body_std_{name}"] = rng.uniform(0.5, 2, (1, 1, channels)).astype(np.float32)
        np.savez(found.statistics(root), **arrays)
        contents[stage] = content
    return contents
