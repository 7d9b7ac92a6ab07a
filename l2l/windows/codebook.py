"""The codebook: a VQ-VAE that turns 32 frames of listener motion into 4 codes and back (Ng et al. 2022, section 3.2).

- WART: a code is a CHANNEL GROUP of the whole 32-frame window, not a patch of 8 frames. The released layout reshapes
  the latent so that row g holds a quarter of the channels at all 4 time steps. The 4 codes have no order in time;
  position g always means group g.
- The quantizer is plain: nearest neighbour, straight-through gradient, commitment loss; no restarts of unused codes.
- Encoder and decoder are convolutions, then a transformer. The decoder's last convolution always pads with zeros, and
  so does its transposed one; `padding` governs the others.
- Names and order of the weights are those of the released checkpoints.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.precision import exactly
from l2l.units import MODEL_DIM
from l2l.windows.layers import KERNEL, SLOPE, PositionEmbedding, Transformer, block, squasher

FRAMES = 32  # frames that are coded together
STEPS = 4  # time steps of the latent
GROUPS = 4  # codes per 32 frames, one per channel group


class Encoder(nn.Module):
    """Motion (B, 32, 56) -> latent (B, 4, D)."""

    def __init__(self, sizes: config.WindowCodebookSettings) -> None:
        super().__init__()
        width = sizes.hidden_size
        self.squasher = squasher(MODEL_DIM, width, sizes.padding)
        self.encoder_transformer = Transformer(width, sizes.layers, sizes.heads, sizes.feedforward_size)
        self.encoder_pos_embedding = PositionEmbedding(STEPS, width)
        self.encoder_linear_embedding = nn.Sequential(OrderedDict(net=nn.Linear(width, width)))

    def forward(self, motion: Tensor) -> Tensor:
        x = self.squasher(motion.transpose(1, 2)).transpose(1, 2)  # (B, 32, 56) -> (B, 4, D)
        return self.encoder_transformer(self.encoder_pos_embedding(self.encoder_linear_embedding(x)))


class Decoder(nn.Module):
    """Latent (B, 4, D) -> motion (B, 32, 56)."""

    def __init__(self, sizes: config.WindowCodebookSettings) -> None:
        super().__init__()
        width = sizes.hidden_size
        upward = nn.ConvTranspose1d(width, width, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1)
        self.expander = nn.Sequential(
            nn.Sequential(upward, nn.LeakyReLU(SLOPE), nn.BatchNorm1d(width)),
            nn.Sequential(*block(width, width, sizes.padding), nn.Upsample(scale_factor=2)),
            nn.Sequential(*block(width, width, sizes.padding), nn.Upsample(scale_factor=2)),
        )
        self.decoder_transformer = Transformer(width, sizes.layers, sizes.heads, sizes.feedforward_size)
        self.decoder_pos_embedding = PositionEmbedding(FRAMES, width)
        self.decoder_linear_embedding = nn.Sequential(OrderedDict(net=nn.Linear(width, width)))
        self.cross_smooth_layer = nn.Conv1d(width, MODEL_DIM, KERNEL, padding=KERNEL // 2)

    def forward(self, latent: Tensor) -> Tensor:
        x = self.expander(latent.transpose(1, 2)).transpose(1, 2)  # (B, 4, D) -> (B, 32, D)
        x = self.decoder_transformer(self.decoder_pos_embedding(self.decoder_linear_embedding(x)))
        return self.cross_smooth_layer(x.transpose(1, 2)).transpose(1, 2)  # (B, 32, D) -> (B, 32, 56)


class Quantizer(nn.Module):
    """Replaces each channel group of a latent by the nearest of K learned vectors."""

    def __init__(self, codes: int, width: int, commitment: float) -> None:
        super().__init__()
        self.commitment = commitment
        self.embedding = nn.Embedding(codes, width)
        nn.init.uniform_(self.embedding.weight, -1 / codes, 1 / codes)

    @staticmethod
    def to_groups(latent: Tensor) -> Tensor:
        """(B, 4 steps, D) -> (B, 4 groups, D): D/4 channels at all 4 steps, time fastest."""
        return latent.transpose(1, 2).reshape(latent.shape)

    @staticmethod
    def from_groups(groups: Tensor) -> Tensor:
        """(B, 4 groups, D) -> (B, 4 steps, D)."""
        batch, steps, width = groups.shape
        return groups.reshape(batch, width, steps).transpose(1, 2)

    def nearest(self, groups: Tensor) -> Tensor:
        """(B, 4, D) -> codes (B, 4) int64."""
        weight = self.embedding.weight
        # Squared distance less |z|^2, which is the same for all codes of a row.
        distance = weight.square().sum(1) - 2 * groups @ weight.T  # (B, 4, K)
        return distance.argmin(-1)

    def lookup(self, codes: Tensor) -> Tensor:
        """Codes (B, 4) -> latent (B, 4 steps, D)."""
        return self.from_groups(self.embedding(codes))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Latent (B, 4, D) -> quantized latent (B, 4, D), loss (), codes (B, 4)."""
        codes = self.nearest(self.to_groups(latent))
        quantized = self.lookup(codes)
        loss = F.mse_loss(quantized, latent.detach()) + self.commitment * F.mse_loss(latent, quantized.detach())
        straight_through = latent + (quantized - latent).detach()  # value of `quantized`, gradient of `latent`
        return straight_through, loss, codes


class Codebook(nn.Module):
    """The VQ-VAE; motion is standardized, (B, 32, 56), and codes are (B, 4) in group order (see the wart above)."""

    def __init__(self, sizes: config.WindowCodebookSettings) -> None:
        super().__init__()
        self.encoder = Encoder(sizes)
        self.decoder = Decoder(sizes)
        self.quantize = Quantizer(sizes.codes, sizes.hidden_size, sizes.commitment)

    @torch.no_grad()
    def encode(self, motion: Tensor) -> Tensor:
        """Motion (B, 32, 56) -> codes (B, 4) int64."""
        return self.quantize.nearest(self.quantize.to_groups(self.encoder(motion)))

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, 4) -> motion (B, 32, 56)."""
        return self.decoder(self.quantize.lookup(codes))

    def forward(self, motion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Motion (B, 32, 56) -> reconstruction (B, 32, 56), quantizer loss (), codes (B, 4)."""
        latent = self.encoder(motion)
        with exactly(latent.device):
            quantized, quantizer_loss, codes = self.quantize(latent.float())
        return self.decoder(quantized), quantizer_loss, codes
