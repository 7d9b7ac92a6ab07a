"""The predictor: past listener codes and the speaker to the next codes (Ng et al. 2022, section 3.3).

- One pass gives all 4 codes of the listener's next 32 frames, from the codes of the last 32 and 40 frames of speaker:
  the 32 that the past covers and 8 more.
- `visible` says how many of the past codes may be seen, from the last backwards; the rest are hidden. WART: the mask
  hides query rows, not key columns. A hidden position asks only the speaker, but others may still ask it (it holds no
  code, only its position and what it learned from the speaker).
- WART: `listener_past_transformer` is never run. It is built because the released checkpoints carry its weights and
  are loaded strictly; it costs 4 % of the parameters and no time.
- Past and future codes are channel groups, not patches of time: see `l2l.windows.codebook`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.units import AUDIO_PER_FRAME, MEL_BANDS, MODEL_DIM
from l2l.windows.codebook import GROUPS
from l2l.windows.layers import PositionEmbedding, Transformer, squasher

SPEAKER_FRAMES = 40  # the listener's 32 past frames and 8 beyond
SPEAKER_AUDIO = SPEAKER_FRAMES * AUDIO_PER_FRAME  # rows of mel
SPEAKER_STEPS = SPEAKER_FRAMES // 8  # what the convolutions make of them
TOKENS = GROUPS + SPEAKER_STEPS


class Predictor(nn.Module):
    """Logits of the next codes; motion and audio are standardized. `codes` is the size K of the codebook."""

    def __init__(self, sizes: config.WindowPredictorSettings, codes: int) -> None:
        super().__init__()
        width, wide = sizes.hidden_size, 2 * sizes.hidden_size
        heads, inner = sizes.heads, sizes.feedforward_size
        self.listener_past_transformer = Transformer(width, 1, heads, inner)  # never run: see the top of this file
        self.listener_past_pos_embedding = PositionEmbedding(GROUPS, width)
        self.listener_past_tok_embedding = nn.Embedding(codes, width)
        self.audio_projector = nn.Linear(MEL_BANDS, wide)
        self.audio_full_pos_embedding = PositionEmbedding(SPEAKER_FRAMES, wide)
        self.motion_projector = nn.Linear(MODEL_DIM, wide)
        self.motion_full_pos_embedding = PositionEmbedding(SPEAKER_FRAMES, wide)
        self.cm_transformer = Transformer(wide, sizes.cross_layers, heads, inner, cross=True)
        self.post_compressor = squasher(wide, wide, sizes.padding)
        self.post_projector = nn.Linear(wide, width)
        layer = {
            "transformer_layer": Transformer(width, sizes.layers, heads, inner),
            "cross_norm_layer": nn.LayerNorm(width),
            "cross_output_layer": nn.Linear(width, codes, bias=False),
            "cross_pos_embedding": PositionEmbedding(TOKENS, width),
        }
        self.cross_modal_layer = nn.ModuleDict(layer)
        self.apply(_initialise)

    def forward(self, past_codes: Tensor, speaker: Tensor, audio: Tensor, visible: int) -> Tensor:
        """Logits (B, 9, K); the first 4 positions are the codes of the listener's next 32 frames, the rest unused.

        past_codes (B, 4) int64: the listener's last 32 frames. speaker (B, 40, 56) and audio (B, 160, 128): the
        same 32 frames and 8 more. visible: how many of the past codes may be seen; 4 or more shows all.
        """
        hidden = GROUPS - min(visible, GROUPS)
        tokens = torch.cat([self._past(past_codes, hidden), self._speaker(speaker, audio)], dim=1)  # (B, 9, D)
        mask = None
        if hidden:  # (9, 9), True where attention is allowed: the hidden positions' rows may not look at any past code
            mask = torch.ones(TOKENS, TOKENS, dtype=torch.bool, device=tokens.device)
            mask[:hidden, :GROUPS] = False
        layer = self.cross_modal_layer
        x = layer["transformer_layer"](layer["cross_pos_embedding"](tokens), mask=mask)
        return layer["cross_output_layer"](layer["cross_norm_layer"](x))  # (B, 9, D) -> (B, 9, K)

    def _past(self, codes: Tensor, hidden: int) -> Tensor:
        """Codes (B, 4) -> (B, 4, D), of which the first `hidden` rows hold only their position."""
        width = self.listener_past_tok_embedding.embedding_dim
        if hidden == GROUPS:
            # No lookup, so no gradient rather than one of zeros: Adam then leaves the embedding alone, as released.
            seen = self.listener_past_tok_embedding.weight.new_zeros(len(codes), 0, width)
        else:
            seen = self.listener_past_tok_embedding(codes[:, hidden:])  # (B, 4 - hidden, D)
        return self.listener_past_pos_embedding(F.pad(seen, (0, 0, hidden, 0)))  # (B, 4, D)

    def _speaker(self, motion: Tensor, audio: Tensor) -> Tensor:
        """Motion (B, 40, 56) and audio (B, 160, 128) -> (B, 5, D)."""
        loudest = F.max_pool1d(audio.transpose(1, 2), AUDIO_PER_FRAME).transpose(1, 2)  # (B, 160, 128) -> (B, 40, 128)
        asking = self.audio_full_pos_embedding(self.audio_projector(loudest))  # (B, 40, 2D)
        x = self.motion_full_pos_embedding(self.motion_projector(motion))  # (B, 40, 2D)
        x = self.cm_transformer(x, query=asking)
        x = self.post_compressor(x.transpose(1, 2)).transpose(1, 2)  # (B, 40, 2D) -> (B, 5, 2D)
        return self.post_projector(x)


def _initialise(module: nn.Module) -> None:
    """As released: N(0, 0.02) for linear maps and embeddings, zero biases; torch's defaults elsewhere."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
