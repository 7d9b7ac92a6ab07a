"""Sound <-> spectrogram with phase, as the Multisensory network takes and gives it.

Frames of 1344 samples every 336 (64 and 16 ms at 21 kHz), a periodic Hann window, zeros up to 2048 samples, no padding
at the ends. The inverse applies the window again and adds up; the sum of its squares is 1.5 but for the ends.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from l2l.speech.multisensory.network import BINS

FRAME, STEP, _POINTS = 1344, 336, 2048  # samples
_FLOOR, _RANGE = -100.0, 180.0  # dB: the lowest level, and how far the network's scale reaches above it


def spectrum(sound: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """(dB, phase in radians), each (B, rows, 1025), of sound (B, N)."""
    frames = sound.unfold(-1, FRAME, STEP)[..., :rows, :]  # (B, rows, 1344)
    values = torch.fft.rfft(frames * _window(sound), _POINTS)  # (B, rows, 1025)
    return 20 * torch.log10(values.abs().clamp(min=1e-5)), values.angle()


def to_network(level: Tensor, phase: Tensor) -> Tensor:
    """dB and phase (B, rows, 1025) as the network's input (B, 2, rows, 1024)."""
    return torch.stack([2 * (level - _FLOOR) / _RANGE - 1, phase / math.pi], 1)[..., :BINS]


def from_network(output: Tensor, mixture_phase: Tensor) -> tuple[Tensor, Tensor]:
    """The network's output (B, 2, rows, 1024) as (dB, phase), each (B, rows, 1025)."""
    level = F.pad(_RANGE / 2 * (output[:, 0].tanh() + 1) + _FLOOR, (0, 1), value=_FLOOR)
    phase = torch.cat([math.pi * output[:, 1].tanh(), mixture_phase[..., BINS:]], -1)
    return level, phase


def to_sound(level: Tensor, phase: Tensor) -> Tensor:
    """Sound (B, 336 (rows - 1) + 1344) of dB and phase (B, rows, 1025), 1.5 times too loud as the original's."""
    frames = torch.fft.irfft(torch.polar(10 ** (level / 20), phase), _POINTS)[..., :FRAME]  # (B, rows, 1344)
    return _overlap_add(frames * _window(frames))


def window_sum(rows: int) -> Tensor:
    """(336 (rows - 1) + 1344,) by how much `to_sound` makes each sample too loud: 1.5, and less at the ends."""
    window = _window(torch.empty(0))
    return _overlap_add((window * window).expand(1, rows, FRAME))[0]


def _overlap_add(frames: Tensor) -> Tensor:
    """(B, rows, 1344) frames, STEP samples apart, added up."""
    length = (frames.shape[1] - 1) * STEP + FRAME
    return F.fold(frames.mT, (1, length), (1, FRAME), stride=(1, STEP))[:, 0, 0]


def _window(like: Tensor) -> Tensor:
    return torch.hann_window(FRAME, device=like.device)  # periodic
