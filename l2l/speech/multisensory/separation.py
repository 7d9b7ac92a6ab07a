"""How the Multisensory network separates a recording.

- The network is shown a picture in which one person is hidden, and gives the sound of the other one: the left or the
  right half of the picture is grey. A person must stay in their half.
- The phase is the network's; a voice that it gives is not a part of the mixture, and the two do not add up to it.
- The original scales sound to a fixed level and gives it 1.5 times too loud: `level` puts both right.
"""

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from l2l import config
from l2l.files import atomic
from l2l.inference import torch_device
from l2l.progress import progress
from l2l.speech.multisensory.network import Multisensory, load
from l2l.speech.multisensory.spectrum import from_network, spectrum, to_network, to_sound, window_sum
from l2l.speech.multisensory.windows import (
    PICTURE_SIDE,
    Joined,
    fade,
    first_sample,
    mixture,
    pictures,
    size_of,
    starts,
    windows,
)
from l2l.speech.vad import read_wav
from l2l.units import SAMPLE_RATE
from l2l.video.footage import Footage
from l2l.weights import catalogue as weights
from l2l.weights.tf_checkpoint import TFCheckpoint

INDEX, DATA = "multisensory/net.tf-160000.index", "multisensory/net.tf-160000.data-00000-of-00001"
_LOUDNESS = 0.02**0.5  # root mean square that the network was trained with
_GREY = 128


def separate(footage: Footage, speaking: Path, outs: Sequence[Path], settings: config.SeparationSettings) -> None:
    """Write speech_left.wav and speech_right.wav, as long as the mixture. `speaking` is not needed."""
    chosen = settings.multisensory
    torch.set_num_threads(chosen.threads)
    network = _network(torch_device(chosen.device, "separation.multisensory.device"))
    size = size_of(chosen.window)
    with contextlib.ExitStack() as opened:
        file = opened.enter_context(read_wav(footage.audio))
        voices = []
        for out in outs:
            partial = opened.enter_context(atomic(out))
            voice = opened.enter_context(soundfile.SoundFile(str(partial), "w", SAMPLE_RATE, 1, "PCM_16"))
            voices.append(Joined(voice, len(file)))
        frames = starts(len(file), size, chosen.overlap)
        samples = [first_sample(frame) for frame in frames]
        # By how much each sample of a window's sound is divided for the chosen level.
        shape = window_sum(size.rows).double().numpy()
        shape = shape if chosen.level else np.ones_like(shape)
        shared = len(shape) - samples[1] if len(samples) > 1 else 0
        seen, heard = (
            windows(pictures(footage.video), frames, size.frames),
            windows(mixture(file), samples, size.samples),
        )
        groups = [samples[i : i + chosen.batch_size] for i in range(0, len(samples), chosen.batch_size)]
        for group in progress(groups, "separation", unit="window"):
            shown, mixed = (torch.from_numpy(np.stack([next(of) for _ in group])) for of in (seen, heard))
            for person, voice in enumerate(voices):
                sound = voice_of(network, person, shown, mixed, size.rows, chosen.level)  # (B, n)
                for start, part in zip(group, sound.cpu().numpy(), strict=True):
                    weight = fade(len(part), shared, start == samples[0], start == samples[-1])
                    voice.add(start, weight * part, weight * shape)
        for voice in voices:
            voice.close()


@torch.inference_mode()
def voice_of(
    network: Multisensory, person: int, picture: Tensor, mixture: Tensor, rows: int, level: bool = False
) -> Tensor:
    """The voice of a person (0: left), (B, 336 (rows - 1) + 1344), at 21 kHz.

    picture: (B, T, 224, 224, 3) uint8; mixture: (B, N). With `level`, at the mixture's level except for the window's
    sum; without, as the original gives it.
    """
    device = next(network.parameters()).device
    gain = _LOUDNESS / mixture.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-4)  # (B, 1)
    scaled = (mixture * gain).to(device)
    levels, phase = spectrum(scaled, rows)
    # The same sound in both ears, as the original gets it from recordings in mono.
    stereo = scaled[:, None].expand(-1, 2, -1)
    output, _ = network(hide_other(picture, person).to(device), stereo, to_network(levels, phase))
    sound = to_sound(*from_network(output, phase))
    return sound / gain.to(device) if level else sound


def hide_other(picture: Tensor, person: int) -> Tensor:
    """Pictures (..., 224, 224, 3) with the other person's half in grey."""
    hidden = picture.clone()
    half = slice(PICTURE_SIDE // 2, None) if person == 0 else slice(0, PICTURE_SIDE // 2)
    hidden[..., half, :] = _GREY
    return hidden


@functools.lru_cache(maxsize=1)  # half a gigabyte: once for all recordings of a job
def _network(device: torch.device) -> Multisensory:
    index, _ = weights.find("multisensory", INDEX), weights.find("multisensory", DATA)
    return load(TFCheckpoint(index)).to(device)
