"""The codebook of patches: motion of any length to 6 codes for each 8 frames, and back without seams.

- Two codecs: pose (head rotation and jaw) and expression. With one codec for all 56 channels every nod was lost: in
  the loss, 50 channels of expression outweigh a rare, fast movement of one channel.
- Codes are in order of time; within a patch pose comes before expression, and coarse before fine.
- Differs from Ng et al. 2022, section 3.2, where 4 codes describe 32 frames.
"""

import torch
from torch import Tensor, nn

from l2l import config
from l2l.patches.codec import Codec
from l2l.patches.overlap_add import Blender, overlap_add
from l2l.units import MODEL_DIM

EXPRESSION = 50  # the first channels; the others are head rotation (3) and jaw (3)
POSE = MODEL_DIM - EXPRESSION


class Codebook(nn.Module):
    """Two codecs over standardized motion (B, 8 P, 56); codes are (B, P, Q), pose first."""

    def __init__(self, sizes: config.CodebookSettings) -> None:
        super().__init__()
        self.pose = Codec(POSE, sizes.pose_latent, sizes)
        self.expression = Codec(EXPRESSION, sizes.expression_latent, sizes)
        self.levels, self.codes = sizes.levels, sizes.codes

    @property
    def per_patch(self) -> int:
        """Codes of one patch, Q."""
        return 2 * self.levels

    def vectors(self) -> list[Tensor]:
        """The vectors (K, L) of each code of a patch, Q of them, in the order of the codes."""
        return [level.codebook for codec in (self.pose, self.expression) for level in codec.quantizer.layers]

    def forward(self, motion: Tensor, quantized: bool = True) -> tuple[Tensor, Tensor]:
        """Motion (B, 8 P, 56) -> reconstruction of the same shape and the quantizers' loss ()."""
        pose, pose_loss = self.pose(motion[..., EXPRESSION:], quantized)  # (B, P, 24, 6)
        expression, expression_loss = self.expression(motion[..., :EXPRESSION], quantized)
        return overlap_add(torch.cat([expression, pose], dim=-1)), pose_loss + expression_loss

    @torch.no_grad()
    def encode(self, motion: Tensor) -> Tensor:
        """Motion (B, 8 P, 56) -> codes (B, P, Q) int64."""
        pose, expression = motion[..., EXPRESSION:], motion[..., :EXPRESSION]
        return torch.cat([self.pose.encode(pose), self.expression.encode(expression)], dim=-1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, P, Q) -> motion (B, 8 P, 56)."""
        pose, expression = codes.split(self.levels, dim=-1)
        blocks = [
            self.expression.decoder(self.expression.lookup(expression)),
            self.pose.decoder(self.pose.lookup(pose)),
        ]
        return overlap_add(torch.cat(blocks, dim=-1))

    def stream(self, batch: int) -> "Streaming":
        """A decoder that takes codes patch by patch."""
        return Streaming(self, batch)


class Streaming:
    """`Codebook.decode`, patch by patch: the 8 frames of patch t - 1 come after the codes of patch t."""

    def __init__(self, codebook: Codebook, batch: int) -> None:
        self.pose, self.expression = codebook.pose.decoder.begin(batch), codebook.expression.decoder.begin(batch)
        self.blender = Blender(batch, MODEL_DIM, self.pose[0].device)

    def step(self, codebook: Codebook, codes: Tensor) -> Tensor:
        """Codes (B, Q) of patch t -> motion (B, 8, 56) of patch t - 1; at t = 0, of the 8 frames that lead into it."""
        pose, expression = codes.split(codebook.levels, dim=-1)
        blocks = [
            codebook.expression.decoder.step(codebook.expression.lookup(expression), self.expression),
            codebook.pose.decoder.step(codebook.pose.lookup(pose), self.pose),
        ]
        return self.blender.step(torch.cat(blocks, dim=-1))

    def flush(self) -> Tensor:
        """Motion (B, 8, 56) of the last patch, when no codes follow."""
        return self.blender.flush()
