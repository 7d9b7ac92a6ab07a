"""Checkpoints of the patch models: files of `l2l.training.checkpoint`, of architecture patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2l import config
from l2l.features.sound import frame_sound
from l2l.features.standardize import Standardizer
from l2l.patches.codebook import Codebook
from l2l.patches.predictor import Predictor
from l2l.training.checkpoint import Meta, load_model, pop_standardizers, read_checkpoint, save_checkpoint


@dataclass(frozen=True)
class Models:
    """Both models in eval mode on one device, and what their inputs are standardized by."""

    codebook: Codebook
    predictor: Predictor
    listener: Standardizer
    speaker: Standardizer
    audio: Standardizer
    power: bool  # whether mel is power, of which the logarithm is taken
    guidance: tuple[float, float]  # of pose codes, of expression codes
    people: tuple[str, ...]  # whom it tells apart; empty: it models one listener

    @property
    def device(self) -> torch.device:
        return self.predictor.null.device

    def to(self, device: torch.device) -> "Models":
        """The same, moved to `device`."""
        self.codebook.to(device)
        self.predictor.to(device)
        return self

    def heard(self, faces: np.ndarray, rows: np.ndarray) -> Tensor:
        """Speaker (B, 8 P, 56) and mel rows (B, 32 P, 128), raw -> (B, P, D)."""
        return self.listens(faces, frame_sound(rows, self.power))

    def whose(self, people: Sequence[int] | np.ndarray | None) -> Tensor | None:
        """Numbers of `people`, one for each listener, as the predictor takes them."""
        return None if people is None else torch.as_tensor(people, dtype=torch.int64, device=self.device)

    def listens(self, faces: np.ndarray, sound: np.ndarray) -> Tensor:
        """The same with sound (B, 8 P, 128) that is one row a frame already."""
        motion, audio = (
            torch.from_numpy(x).to(self.device) for x in (self.speaker.apply(faces), self.audio.apply(sound))
        )
        return self.predictor.listen(motion, audio)


def load_codebook(path: Path) -> tuple[Codebook, Standardizer, Meta]:
    """The codebook, the listener's standardizer, and the rest; see `load_model` of `l2l.training.checkpoint`."""

    def build(content: Meta) -> Codebook:
        return Codebook(config.CodebookSettings.model_validate(content["config"]))

    model, standardizers, meta = load_model(path, "codebook", "patches", build)
    return model, standardizers["listener"], meta


def load_models(codebook: Path, predictor: Path) -> Models:
    """Both models. Raises UserError also when the predictor was trained with another codebook."""
    codebook_model, listener, meta = load_codebook(codebook)
    known: dict[str, Any] = {}

    def build(content: Meta) -> Predictor:
        pose, expression = map(float, content["guidance"])
        known.update(power=bool(content["power"]), guidance=(pose, expression), people=tuple(content["people"]))
        sizes = config.PredictorSettings.model_validate(content["config"])
        return Predictor(sizes, codebook_model, len(known["people"]))

    model, others, _ = load_model(predictor, "predictor", "patches", build, (codebook, meta))
    return Models(codebook_model, model, listener, others["speaker"], others["audio"], **known)


def set_guidance(path: Path, strengths: tuple[float, float], weights: dict[str, Tensor] | None = None) -> None:
    """Rewrite a predictor's checkpoint with other strengths of guidance, of pose codes and of expression codes, and
    with `weights` calibrated for them."""
    content = read_checkpoint(path, "predictor", "patches")
    found = pop_standardizers(content, path)
    del content["format"]
    changed = {"guidance": list(strengths)} | ({"state_dict": weights} if weights else {})
    save_checkpoint(path, found, **{**content, **changed})
