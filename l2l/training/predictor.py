"""train-predictor: losses, batches and the checkpoint of the predictor (Ng et al. 2022, section 3.3).

- Past and target codes come from the frozen codebook, once, before training; the released code encoded each batch.
- How much of the past is visible is drawn from 0..4, uniformly. The released code drew from 0..20, where 4 and more are
  the same, and so hardly trained the cases that its own sampling uses.
- Validation averages over all five cases, so it holds no chance.
"""

import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l.config import Settings
from l2l.dataset.layout import Side
from l2l.dataset.standardize import Standardizer
from l2l.models.codebook import FRAMES, GROUPS, Codebook
from l2l.models.predictor import SPEAKER_AUDIO, SPEAKER_FRAMES, Predictor
from l2l.training.checkpoint import load_codebook, save_checkpoint
from l2l.training.device import prepare
from l2l.training.holdout import load_training_chunks, split_by_video
from l2l.training.loop import train
from l2l.units import MODEL_DIM

log = logging.getLogger(__name__)

BATCH = 256  # windows of a step without gradients; the result does not depend on it


def prediction_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross entropy, nats, of the first 4 positions of logits (B, 9, K) against codes (B, 4)."""
    return F.cross_entropy(logits[:, :GROUPS].flatten(0, 1), targets.flatten())


@torch.no_grad()
def encode_windows(codebook: Codebook, motion: np.ndarray, device: torch.device) -> Tensor:
    """Codes (N, 2, 4) of the first and second 32 frames of standardized motion (N, 64, 56), on `device`."""
    codebook.to(device)
    codes = []
    for start in range(0, len(motion), BATCH):
        halves = torch.from_numpy(motion[start : start + BATCH]).to(device).unflatten(1, (2, FRAMES))
        codes.append(codebook.encode(halves.flatten(0, 1)).unflatten(0, (-1, 2)))  # (B, 2, 4)
    return torch.cat(codes)


class PredictorTask:
    """The predictor's side of the training loop."""

    def __init__(
        self,
        model: Predictor,
        codes: Tensor,
        speaker: Tensor,
        audio: np.ndarray,
        audio_standardizer: Standardizer,
        train_rows: np.ndarray,
        validation: np.ndarray,
    ) -> None:
        """Codes (N, 2, 4) and speaker (N, 40, 56), standardized, on the model's device; audio (N, 256, 128) is raw.

        Audio is by far the largest, so it stays in its memory-mapped file until a batch asks for it.
        """
        self.model, self.codes, self.speaker = model, codes, speaker
        self.audio, self.audio_standardizer = audio, audio_standardizer
        self.train, self.validation = train_rows, validation

    def inputs(self, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """Past codes (B, 4), speaker (B, 40, 56) and audio (B, 160, 128) of some windows."""
        audio = self.audio_standardizer.apply(self.audio[rows, :SPEAKER_AUDIO])
        return self.codes[rows, 0], self.speaker[rows], torch.from_numpy(audio).to(self.speaker.device)

    def loss(self, rows: np.ndarray, generator: torch.Generator) -> Tensor:
        visible = int(torch.randint(0, GROUPS + 1, (), generator=generator))
        return prediction_loss(self.model(*self.inputs(rows), visible), self.codes[rows, 1])

    def validate(self) -> dict[str, float]:
        """Mean over the held-out windows, for each visible past and over all five."""
        totals = np.zeros(GROUPS + 1)
        for start in range(0, len(self.validation), BATCH):
            rows = self.validation[start : start + BATCH]
            inputs = self.inputs(rows)
            for visible in range(GROUPS + 1):
                totals[visible] += float(prediction_loss(self.model(*inputs, visible), self.codes[rows, 1])) * len(rows)
        means = totals / len(self.validation)
        return {"loss": float(means.mean()), "loss_none_visible": float(means[0]), "loss_all_visible": float(means[-1])}


def train_predictor(chunks: Path, codebook: Path, listener: Side, settings: Settings, out: Path, log_dir: Path) -> None:
    """Train a predictor of `listener`'s codes and write its checkpoint to `out`, curves to `log_dir`.

    `chunks` is a person's folder in the published layout, `codebook` a checkpoint of train-codebook. Raises UserError
    when there is too little to train on or the codebook cannot be read.
    """
    sizes, training = settings.predictor, settings.predictor.training
    device = prepare(training)
    codebook_model, listener_standardizer, codebook_meta = load_codebook(codebook)
    data = load_training_chunks(chunks, listener, ("listener", "speaker", "audio"))
    train_rows, validation = split_by_video(data, training.validation_share, settings.seed)
    speaker_standardizer = Standardizer.fit(data.speaker[..., :MODEL_DIM], train_rows)
    audio_standardizer = Standardizer.fit(data.audio, train_rows)
    codes = encode_windows(codebook_model, listener_standardizer.apply(data.listener[..., :MODEL_DIM]), device)
    speaker = speaker_standardizer.apply(data.speaker[:, :SPEAKER_FRAMES, :MODEL_DIM])
    count = codebook_model.quantize.embedding.num_embeddings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = Predictor(sizes, count).to(device)
    task = PredictorTask(
        model,
        codes,
        torch.from_numpy(speaker).to(device),
        data.audio,
        audio_standardizer,
        train_rows,
        validation,
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=training.learning_rate, betas=(0.9, 0.98), eps=1e-9)
    state = train(task, optimizer, training, settings.seed, log_dir)
    save_checkpoint(
        out,
        {"speaker": speaker_standardizer, "audio": audio_standardizer},
        kind="predictor",
        config=sizes.model_dump(),
        codes=count,
        codebook_fingerprint=codebook_meta["fingerprint"],
        state_dict=state.best_weights,
        step=state.best_step,
        validation_loss=state.best_loss,
        history=state.history,
        seed=settings.seed,
        listener=listener,
    )
    log.info("wrote %s", out)
