"""Convolutions over time that shorten a sequence eight times, shared by codebook and predictor.

- A block is convolution, LeakyReLU, then BatchNorm: the norm comes after the activation, as released.
- Padding is a switch: torch before 1.5 silently ignored "replicate" here, so which of the two the released weights
  were trained with cannot be seen in their code.
"""

from typing import Literal

from torch import nn

KERNEL = 5  # frames
Padding = Literal["replicate", "zeros"]
SLOPE = 0.2  # of LeakyReLU below zero


def block(channels_in: int, channels_out: int, padding: Padding, stride: int = 1) -> list[nn.Module]:
    """The modules of one block, (B, C_in, T) -> (B, C_out, T / stride)."""
    return [
        nn.Conv1d(channels_in, channels_out, KERNEL, stride=stride, padding=KERNEL // 2, padding_mode=padding),
        nn.LeakyReLU(SLOPE),
        nn.BatchNorm1d(channels_out),
    ]


def squasher(channels_in: int, channels_out: int, padding: Padding) -> nn.Sequential:
    """Three blocks that halve time each, (B, C_in, T) -> (B, C_out, T / 8)."""
    return nn.Sequential(
        nn.Sequential(*block(channels_in, channels_out, padding, stride=2)),
        nn.Sequential(*block(channels_out, channels_out, padding), nn.MaxPool1d(2)),
        nn.Sequential(*block(channels_out, channels_out, padding), nn.MaxPool1d(2)),
    )
