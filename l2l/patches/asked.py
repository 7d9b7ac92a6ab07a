"""The patch models asked again, with another speaker: see `l2l.asking`.

- Windows are sampled one by one, whatever `sampling.span` says: a shuffled speaker belongs to no turn.
- The error is a likelihood, of the model as it was trained: no strength, nucleus or frequencies of drawing.
- It is that of a listener who was there from the start. Each patch is given all of its sequence before it: what the
  listener did, and what was said and shown. Sequences are those of whole conversations where these are known; else
  windows that follow one another are joined.
- With another moment of a speaker, it is given all that was heard until that moment. So no speaker has a jump, or a
  shorter memory than another, and nothing but the moment makes a difference.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l.asking import CodeUse, SpeakerInput
from l2l.config import Settings
from l2l.dataset.conversations import Conversations
from l2l.dataset.layout import WINDOW, Chunks
from l2l.dataset.together import identities
from l2l.features.sequences import Sequences, alike, chain, joined, placed, stretched
from l2l.patches.checkpoint import Models, load_codebook, load_models
from l2l.patches.likelihood import nats, unconditional
from l2l.patches.sampling import PAST, sample_windows
from l2l.training.device import device_of
from l2l.units import MODEL_DIM, PATCH

_AT_ONCE = 256  # windows of one pass
_SEQUENCES = 16  # of one length, encoded together


def code_use(codebook: Path, test: Chunks) -> CodeUse:
    """Of each level of each codec, all windows."""
    model, standardizer, meta = load_codebook(codebook)
    names = [f"{codec}_{level + 1}" for codec in ("pose", "expression") for level in range(model.levels)]
    counts = np.zeros((len(names), model.codes), np.int64)
    for row in range(0, len(test), _AT_ONCE):
        motion = standardizer.apply(test.listener[row : row + _AT_ONCE, :, :MODEL_DIM])
        for q, codes in enumerate(model.encode(torch.from_numpy(motion)).flatten(0, 1).T.numpy()):
            counts[q] += np.bincount(codes, minlength=model.codes)
    return CodeUse(meta["fingerprint"], standardizer, PATCH, dict(zip(names, counts, strict=True)))


def load_asked(
    codebook: Path, predictor: Path, test: Chunks, settings: Settings, conversations: Conversations | None = None
) -> "Model":
    """Both models, about the windows `test`. Raises UserError when they do not belong together."""
    models = load_models(codebook, predictor).to(device_of(settings.predictor.training))
    return Model(models, test, settings, conversations)


class Model:
    """A codebook of patches and its predictor, about the windows of `chunks`."""

    error = "nll"  # -log p of the true codes of the predicted patches, nats, summed over a window

    @torch.inference_mode()
    def __init__(
        self, models: Models, chunks: Chunks, settings: Settings, conversations: Conversations | None = None
    ) -> None:
        """`settings` have the samples' own sampling and seed. Raises UserError for conversations of other windows."""
        self.models, self.chunks = models, chunks
        sampling = settings.sampling.model_copy(update={"span": "window"})
        self.settings = settings.model_copy(update={"sampling": sampling})
        self.first = PAST if sampling.past == "real" else 0  # frame that is predicted first
        self.context = "conversation" if conversations else "sequence"
        if conversations:
            found = conversations.chosen(lambda _, frames: np.ones(len(frames), bool))
            sequences = stretched(conversations, found)
            number, at = placed(chunks, [stretch for stretch, _ in found])
        else:
            chains = chain(chunks, np.arange(len(chunks)))
            sequences = joined(chunks, chains)
            number, at = np.empty((2, len(chunks)), int)  # each window's sequence, and its first frame in it
            for n, pieces in enumerate(chains):
                for piece in pieces:
                    number[piece.row], at[piece.row] = n, piece.at
        self.who = models.whose(identities(models.people, chunks.videos))  # (N,) of several
        self.begins = sequences.starts[number] + at  # (N,) first frame in the arrays of `sequences`
        self.codes, self.logits = self._known(sequences, number, at)  # (N, 8, Q), (N, P, Q, K) of what is predicted
        self.heard = _heard(models, sequences)  # (F, H)

    def samples(self, speakers: Callable[[slice], SpeakerInput]) -> Iterator[np.ndarray]:
        """Parts (S, n, T, 56), drawn as `l2l sample` draws each window by itself."""
        for start in range(0, len(self.chunks), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            speaker = speakers(rows)
            heard = Chunks(self.chunks.listener[rows], speaker.faces, speaker.audio, self.chunks.files[rows])
            yield sample_windows(self.models, heard, self.settings, start).samples[:, :, self.first :]

    def errors(self, speaker: SpeakerInput) -> np.ndarray:
        """(N,) nats."""
        window, frame = speaker.origin.T
        frames = self.begins[window] + frame  # (N,)
        return self._nats(self.heard[torch.from_numpy(frames[:, None] + np.arange(self.first, WINDOW, PATCH))])

    def errors_without(self) -> np.ndarray:
        """(N,) nats of the unconditional part, to which the speaker adds."""
        return self._nats(None)

    @torch.inference_mode()
    def _nats(self, heard: Tensor | None) -> np.ndarray:
        """(N,), with what is heard (N, P, H) in the predicted patches, or without."""
        codes, found = self.codes[:, self.first // PATCH :], []
        for start in range(0, len(codes), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            logits = self.models.predictor.conditioned(
                self.logits[rows], None if heard is None else heard[rows], None if self.who is None else self.who[rows]
            )
            found.append(nats(logits, codes[rows]).sum((1, 2)))
        return torch.cat(found).cpu().numpy().astype(np.float64)

    def _known(self, sequences: Sequences, number: np.ndarray, at: np.ndarray) -> tuple[Tensor, Tensor]:
        """True codes (N, 8, Q) of windows, and logits (N, P, Q, K) without a speaker of those that are predicted.

        Window n begins at frame `at` (N,) of sequence `number` (N,). Patches may begin at any of 8 frames; those of a
        window begin with the window, and so do those before it.
        """
        models, patches, predicted = self.models, np.arange(WINDOW // PATCH), slice(self.first // PATCH, None)
        whose = models.whose(identities(models.people, sequences.videos))
        motion = torch.from_numpy(models.listener.apply(sequences.listener))
        ways, way = np.unique(np.stack([number, at % PATCH]), axis=1, return_inverse=True)  # (2, W), (N,)
        counts = (sequences.lengths[ways[0]] - ways[1]) // PATCH
        codes, logits = [torch.empty(0)] * len(number), [torch.empty(0)] * len(number)
        for some in alike(counts, _SEQUENCES):
            starts = sequences.starts[ways[0, some]] + ways[1, some]
            frames = torch.from_numpy(starts[:, None] + np.arange(PATCH * counts[some[0]]))
            true = models.codebook.encode(motion[frames].to(models.device))  # (B, P, Q)
            who = None if whose is None else whose[torch.from_numpy(ways[0, some])]
            found = unconditional(models.predictor, true, who)  # (B, P, Q, K)
            for k, w in enumerate(some):
                for row in np.flatnonzero(way == w):
                    own = torch.from_numpy(at[row] // PATCH + patches)
                    codes[row], logits[row] = true[k, own], found[k, own[predicted]]
        return torch.stack(codes), torch.stack(logits)

    def random_codes(self, samples: int) -> Iterator[np.ndarray]:
        """Codes drawn evenly from the whole codebook after those of the real past, decoded: (S, n, T, 56), raw."""
        generator = torch.Generator().manual_seed(self.settings.seed)
        drawn = torch.randint(self.models.codebook.codes, (samples, *self.codes.shape), generator=generator)
        known = self.first // PATCH
        drawn[:, :, :known] = self.codes[:, :known].cpu()
        for start in range(0, len(self.codes), _AT_ONCE):
            yield np.stack([self._decoded(codes) for codes in drawn[:, start : start + _AT_ONCE]])

    @torch.inference_mode()
    def _decoded(self, codes: Tensor) -> np.ndarray:
        """Codes (n, 8, Q) -> motion (n, T, 56) of the predicted frames, raw."""
        decoded = self.models.codebook.decode(codes.to(self.codes.device)).cpu().numpy()
        return self.models.listener.undo(decoded)[:, self.first :]


def _heard(models: Models, sequences: Sequences) -> Tensor:
    """(F, H) what is heard in the patch that begins at each frame, given all of its sequence before it.

    The last 7 frames of a sequence begin no patch; what they hold is never asked for.
    """
    found = []
    for n in range(len(sequences)):
        faces, sound = sequences.heard(n, models.power)
        features = models.features(faces[None], sound[None])[0]  # (T, F)
        frames, patches = len(features), len(features) // PATCH
        longer = F.pad(torch.from_numpy(features), (0, 0, 0, PATCH - 1))
        ways = torch.stack([longer[p : p + PATCH * patches] for p in range(PATCH)]).to(models.device)  # (8, 8 P, F)
        heard = models.predictor.branch(ways).transpose(0, 1).flatten(0, 1)  # (8 P, H)
        found.append(F.pad(heard, (0, 0, 0, frames - len(heard))))
    return torch.cat(found)
