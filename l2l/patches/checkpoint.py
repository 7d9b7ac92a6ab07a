"""Checkpoints of the patch models: see `l2l.training.checkpoint`, whose files these are, of architecture patches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from l2l import config
from l2l.errors import UserError
from l2l.features.sound import frame_sound
from l2l.features.standardize import Standardizer
from l2l.patches.codebook import Codebook
from l2l.patches.predictor import Predictor
from l2l.training.checkpoint import (
    Meta,
    check_pair,
    codebook_from,
    load_file,
    restore_weights,
    save_checkpoint,
    standardizers,
)


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
    people: tuple[str, ...]  # whom it tells apart; none: it knows one listener

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
    """The codebook on CPU in eval mode, the listener's standardizer, and the rest with `fingerprint`.

    Raises UserError naming the file that is missing, unreadable or of another kind.
    """
    return codebook_from(path, "patches", lambda sizes: Codebook(config.CodebookSettings.model_validate(sizes)))


def load_models(codebook: Path, predictor: Path) -> Models:
    """Both models. Raises UserError also when the predictor was trained with another codebook."""
    codebook_model, listener, codebook_meta = load_codebook(codebook)
    content = load_file(Path(predictor), "predictor", "patches")
    try:
        sizes = config.PredictorSettings.model_validate(content["config"])
        people = tuple(map(str, content["people"]))
        model = Predictor(sizes, codebook_model, len(people))
        power, (pose, expression) = bool(content["power"]), map(float, content["guidance"])
    except (KeyError, ValidationError, ValueError):
        raise UserError(f"{predictor}: the predictor's sizes cannot be read; train the predictor again.") from None
    check_pair(codebook, codebook_meta, predictor, content)
    restore_weights(model, content, predictor)
    others = standardizers(content, ("speaker", "audio"), predictor)
    units = listener, others["speaker"], others["audio"]
    return Models(codebook_model, model, *units, power, (pose, expression), people)


def set_guidance(path: Path, strengths: tuple[float, float], weights: dict[str, Tensor] | None = None) -> None:
    """Rewrite a predictor's checkpoint with other strengths of guidance, of pose codes and of expression codes, and
    with `weights` calibrated for them."""
    content = load_file(path, "predictor", "patches")
    found = standardizers(content, ("speaker", "audio"), path)
    del content["format"]
    changed = {"guidance": list(strengths)} | ({"state_dict": weights} if weights else {})
    save_checkpoint(path, found, **{**content, **changed})
