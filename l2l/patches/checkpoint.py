"""Checkpoints of the patch models: files of `l2l.training.checkpoint`, of architecture patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l2l import config
from l2l.features import speaker
from l2l.features.speaker import SpeakerFeatures
from l2l.features.standardize import Standardizer
from l2l.patches.codebook import Codebook
from l2l.patches.predictor import Predictor
from l2l.training.checkpoint import Meta, load_model


@dataclass
class Hearing:
    """All that is remembered of some speakers from patch to patch."""

    features: speaker.Memory
    branch: list[Tensor]


@dataclass(frozen=True)
class Models:
    """Both models in eval mode on one device, and what the listener's motion is standardized by."""

    codebook: Codebook
    predictor: Predictor
    listener: Standardizer
    power: bool  # whether mel is power, of which the logarithm is taken
    people: tuple[str, ...]  # whom it tells apart; empty: it models one listener

    @property
    def device(self) -> torch.device:
        return self.predictor.bias.device

    def to(self, device: torch.device) -> "Models":
        """The same, moved to `device`."""
        self.codebook.to(device)
        self.predictor.to(device)
        return self

    @cached_property
    def features(self) -> SpeakerFeatures:
        """How the speaker's features are made."""
        return self.predictor.features

    def begin(self, count: int) -> Hearing:
        """Before the first patch of `count` speakers."""
        return Hearing(speaker.begin(count), self.predictor.branch.begin(count))

    def hear(self, faces: np.ndarray, sound: np.ndarray, hearing: Hearing | None = None) -> Tensor:
        """Speaker (B, 8 P, 56), raw, and sound (B, 8 P, 128), one row a frame -> what is heard (B, P, H).

        With `hearing`, these patches follow those of the last call; it goes on in place.
        """
        hearing = hearing or self.begin(len(faces))
        features = self.features(faces, sound, hearing.features)
        return self.predictor.branch(torch.from_numpy(features).to(self.device), hearing.branch)

    def whose(self, people: Sequence[int] | np.ndarray | None) -> Tensor | None:
        """Numbers of `people`, one for each listener, as the predictor takes them."""
        return None if people is None else torch.as_tensor(people, dtype=torch.int64, device=self.device)


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
        known.update(power=bool(content["power"]), people=tuple(content["people"]))
        sizes = config.PredictorSettings.model_validate(content["config"])
        return Predictor(sizes, codebook_model, len(known["people"]))

    model, _, _ = load_model(predictor, "predictor", "patches", build, (codebook, meta))
    return Models(codebook_model, model, listener, **known)
