"""Listeners of any length: patch by patch, from the speaker until now, to motion as it comes.

- Offline sampling is the same loop: a stream and a whole recording give the same motion, up to rounding.
- Every listener of a batch has its own generator, from (seed, its number): the others of the batch change nothing.
- All that changes is in `Stream.state`: memories of listeners, speakers and decoder, and generators.
- Motion comes out `LOOK_AHEAD` frames late (see `l2l.patches.overlap_add`), beside the patch that must be complete;
  the predictor itself does not look ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from l2l.features.sound import frame_sound
from l2l.patches.checkpoint import Hearing, Models
from l2l.patches.codebook import Streaming
from l2l.patches.sampler import Memory, Sampler
from l2l.units import PATCH


@dataclass(frozen=True)
class Sampling:
    """How codes are drawn: 1 and 1 draw from the model as it is."""

    temperature: float = 1.0
    top_p: float = 1.0
    strength: float | None = None  # of the speaker; None: as the checkpoint says


@dataclass
class StreamState:
    """All that changes while listeners listen."""

    memory: Memory  # of the listeners
    hearing: Hearing  # of their speakers
    decoder: Streaming
    generators: list[np.random.Generator]  # one for each listener


class Stream:
    """Some listeners, each with a speaker of its own, going on together patch by patch."""

    def __init__(
        self,
        models: Models,
        seeds: Sequence[Sequence[int]],
        sampling: Sampling | None = None,
        who: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        """`seeds`: one for each listener, as for numpy's default_rng; `who`: the number of each in `models.people`."""
        sampling = sampling or Sampling()
        self.models = models
        self.sampler = Sampler(models.predictor, sampling.strength, sampling.temperature, sampling.top_p)
        self.state = StreamState(
            self.sampler.begin(len(seeds), models.whose(who)),
            models.begin(len(seeds)),
            models.codebook.stream(len(seeds)),
            [np.random.default_rng(list(seed)) for seed in seeds],
        )

    @torch.no_grad()
    def step(self, faces: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Speaker (B, 8, 56) and mel rows (B, 32, 128) of patch t -> the listeners (B, 8, 56) of patch t - 1, raw.

        At t = 0 these are the 8 frames that lead into patch 0.
        """
        heard = self.models.hear(faces, frame_sound(rows, self.models.power), self.state.hearing)
        return self.show(self.draw(heard[:, 0])[0])

    @torch.no_grad()
    def flush(self) -> np.ndarray:
        """The listeners (B, 8, 56) of the last patch, when no speaker follows."""
        return self.models.listener.undo(self.state.decoder.flush().cpu().numpy())

    def draw(self, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, Q) of the next patch, drawn, and the entropy (B,) of what they were drawn from; heard (B, H)."""
        per_patch = self.models.predictor.per_patch
        numbers = np.stack([generator.random(per_patch) for generator in self.state.generators])
        return self.sampler.draw(self.state.memory, heard, torch.from_numpy(numbers).to(heard.device))

    def follow(self, codes: Tensor) -> None:
        """Go on one patch with given codes (B, Q) instead of drawn ones: a real past."""
        self.sampler.follow(self.state.memory, codes)

    def show(self, codes: Tensor) -> np.ndarray:
        """Codes (B, Q) of patch t -> motion (B, 8, 56) of patch t - 1, raw."""
        return self.models.listener.undo(self.state.decoder.step(self.models.codebook, codes).cpu().numpy())


class Sampled(NamedTuple):
    """Listeners to whole sequences."""

    motion: np.ndarray  # (S B, T, 56) raw
    codes: np.ndarray  # (S B, P, Q)
    entropy: np.ndarray  # (S B, P) nats, of all codes of a patch together; 0 where they were given


@torch.no_grad()
def sample_sequences(
    models: Models,
    faces: np.ndarray,
    sound: np.ndarray,
    seeds: Sequence[Sequence[int]],
    sampling: Sampling | None = None,
    past: np.ndarray | None = None,
    who: Sequence[int] | np.ndarray | None = None,
    before: int = 0,
) -> Sampled:
    """Listeners to whole sequences of speaker: faces (B, T, 56) and sound (B, T, 128), one row a frame (`frame_sound`).

    `seeds`: one for each listener, of whom every speaker has as many, one after another; so has what comes back.
    T need not be a multiple of 8: the last frames are repeated to fill a patch. With `past` (B, 8 n, 56), the real
    listener of the first 8 n frames, codes are drawn from there on; those frames come back as the codebook has them.
    `who` (B,): the number of the speaker's listeners in `models.people`. The first `before` frames of the speaker, a
    multiple of 8, come before the listener's first. Raises ValueError when seeds do not fit the speakers.
    """
    if len(seeds) % len(faces):
        raise ValueError(f"{len(seeds)} seeds for {len(faces)} speakers, expected as many for each")
    frames, each = faces.shape[1] - before, len(seeds) // len(faces)
    missing = -frames % PATCH
    faces, sound = (np.pad(x, ((0, 0), (0, missing), (0, 0)), mode="edge") for x in (faces, sound))
    heard = models.hear(faces, sound)[:, before // PATCH :].repeat_interleave(each, 0)  # (S B, P, H)
    known = torch.empty(len(seeds), 0, models.predictor.per_patch, dtype=torch.int64)
    if past is not None:
        known = models.codebook.encode(torch.from_numpy(models.listener.apply(past)).to(models.device))
        known = known.repeat_interleave(each, 0)  # (S B, n, Q)
    stream = Stream(models, seeds, sampling, None if who is None else np.repeat(who, each))
    codes, entropy = list(known.unbind(1)), [heard.new_zeros(len(heard)).double() for _ in range(known.shape[1])]
    for t in range(heard.shape[1]):
        if t < known.shape[1]:
            stream.follow(codes[t])
        else:
            drawn, entropies = stream.draw(heard[:, t])
            codes.append(drawn)
            entropy.append(entropies)
    everything = torch.stack(codes, dim=1)  # (S B, P, Q)
    motion = models.listener.undo(models.codebook.decode(everything).cpu().numpy())
    return Sampled(motion[:, :frames], everything.cpu().numpy(), torch.stack(entropy, dim=1).cpu().numpy())
