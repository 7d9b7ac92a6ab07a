"""One codec of the patch codebook: motion of some channels to a few codes for each patch of 8 frames, and back.

- All layers work at patch rate; frames appear only in the first and the last linear map. Convolutions at frame rate
  gave 2 to 5 times the error for the same computing time, and transposed ones a seam.
- Both directions are causal: a patch's codes depend on it and the past, its block of motion on its codes and the past.
  So a listener's past can be encoded online, and codes decoded as they come (`Streaming`).
- The latent has unit variance (BatchNorm without weights). Before the quantizer is used, noise on the latent keeps
  neighbouring latents alike, so that k-means starts on latents that mean something. Quantized from the first step,
  whole regions stayed at the mean pose.
- Residual vector quantization with k-means, moving averages, restarts of dead codes and the rotation trick comes from
  vector-quantize-pytorch (Zeghidour et al. 2021; Fifty et al. 2024).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.patches.overlap_add import BLOCK
from l2l.patches.residual_vq import ResidualVQ
from l2l.precision import exactly
from l2l.units import PATCH


class CausalConv(nn.Conv1d):
    """Convolution over patches that looks back only, (B, C, P) -> (B, C', P); `past` stands before the first one."""

    @property
    def reach(self) -> int:
        """Patches before the first one that it looks at."""
        return (self.kernel_size[0] - 1) * self.dilation[0]

    def forward(self, x: Tensor, past: Tensor | None = None) -> Tensor:
        x = F.pad(x, (self.reach, 0)) if past is None else torch.cat([past, x], dim=-1)
        return super().forward(x)


class ResidualBlock(nn.Module):
    """x + conv1x1(GELU(causal conv(GELU(x)))), (B, D, P) -> (B, D, P)."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.conv = CausalConv(width, width, kernel)
        self.out = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, past: Tensor | None = None) -> Tensor:
        return x + self.out(F.gelu(self.conv(F.gelu(x), None if past is None else past)))


class Encoder(nn.Module):
    """Motion (B, 8 P, C) -> latent (B, P, L); a patch sees itself and the three before it."""

    def __init__(self, channels: int, width: int, latent: int) -> None:
        super().__init__()
        self.start = CausalConv(PATCH * channels, width, 2)
        self.blocks = nn.ModuleList([ResidualBlock(width, 2) for _ in range(2)])
        self.end = nn.Conv1d(width, latent, 1)
        self.norm = nn.BatchNorm1d(latent, affine=False, momentum=0.02)

    def forward(self, motion: Tensor) -> Tensor:
        x = motion.unflatten(1, (-1, PATCH)).flatten(2).transpose(1, 2)  # (B, 8 P, C) -> (B, 8 C, P)
        x = self.start(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(self.end(x)).transpose(1, 2)  # (B, P, L)


class Decoder(nn.Module):
    """Latent (B, P, L) -> blocks of motion (B, P, 24, C); a patch sees itself and the six before it."""

    KERNEL = 3

    def __init__(self, channels: int, width: int, latent: int) -> None:
        super().__init__()
        self.start = CausalConv(latent, width, self.KERNEL)
        self.blocks = nn.ModuleList([ResidualBlock(width, self.KERNEL) for _ in range(2)])
        self.mix = ResidualBlock(width, 1)
        self.end = nn.Conv1d(width, BLOCK * channels, 1)
        self.channels = channels

    def forward(self, latent: Tensor) -> Tensor:
        x = self.start(latent.transpose(1, 2))  # (B, D, P)
        for block in self.blocks:
            x = block(x)
        return self._frames(self.mix(x))

    def _frames(self, x: Tensor) -> Tensor:
        return self.end(F.gelu(x)).transpose(1, 2).unflatten(2, (BLOCK, self.channels))  # (B, P, 24, C)

    def begin(self, batch: int) -> list[Tensor]:
        """The memory of `step`: the last inputs of each convolution, zeros before the first patch."""
        weight = self.start.weight
        widths = [self.start.in_channels] + [self.start.out_channels] * len(self.blocks)
        return [weight.new_zeros(batch, width, self.KERNEL - 1) for width in widths]

    def step(self, latent: Tensor, memory: list[Tensor]) -> Tensor:
        """The next patch's latent (B, L) -> its block (B, 24, C); `memory` is replaced in place."""
        x = latent[:, :, None]  # (B, L, 1)
        past, memory[0] = memory[0], torch.cat([memory[0][..., 1:], x], dim=-1)
        x = self.start(x, past)
        for number, block in enumerate(self.blocks, start=1):
            past, memory[number] = memory[number], torch.cat([memory[number][..., 1:], F.gelu(x)], dim=-1)
            x = block(x, past)
        return self._frames(self.mix(x))[:, 0]


class Codec(nn.Module):
    """Encoder, residual quantizer and decoder of some channels."""

    def __init__(self, channels: int, latent: int, sizes: config.CodebookSettings) -> None:
        super().__init__()
        self.encoder = Encoder(channels, sizes.width, latent)
        self.decoder = Decoder(channels, sizes.width, latent)
        self.quantizer = ResidualVQ(
            dim=latent,
            num_quantizers=sizes.levels,
            codebook_size=sizes.codes,
            kmeans_init=True,
            decay=sizes.decay,
            threshold_ema_dead_code=sizes.restart_below,
            rotation_trick=True,
            commitment_weight=sizes.commitment,
        )
        self.noise = sizes.noise

    def forward(self, motion: Tensor, quantized: bool) -> tuple[Tensor, Tensor]:
        """Motion (B, 8 P, C) -> blocks (B, P, 24, C) and the quantizer's loss ()."""
        if quantized:
            self.encoder.norm.eval()  # under a moving mean and variance, codes would drift away
        latent = self.encoder(motion)
        if not quantized:
            noise = self.noise * torch.randn_like(latent) if self.training else 0
            return self.decoder(latent + noise), latent.new_zeros(())
        with exactly(latent.device):
            latent, _, loss = self.quantizer(latent.float())
        return self.decoder(latent), loss.sum()

    @torch.no_grad()
    def encode(self, motion: Tensor) -> Tensor:
        """Motion (B, 8 P, C) -> codes (B, P, levels) int64."""
        residual, codes = self.encoder(motion), []
        for level in self.quantizer.layers:
            found = torch.cdist(residual, level.codebook).argmin(-1)  # (B, P)
            codes.append(found)
            residual = residual - level.codebook[found]
        return torch.stack(codes, dim=-1)

    def lookup(self, codes: Tensor) -> Tensor:
        """Codes (..., levels) -> latent (..., L)."""
        levels = zip(self.quantizer.layers, codes.unbind(-1), strict=True)
        return torch.stack([level.codebook[found] for level, found in levels]).sum(0)
