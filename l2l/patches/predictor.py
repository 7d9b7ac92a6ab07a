"""The predictor of patches: what the listener does in each 8 frames, from the codes so far and the speaker until now.

- A causal transformer knows the listener without a speaker: token t holds the codes of patch t - 1, and the past comes
  through attention (`l2l.patches.causal`). A small branch adds what the speaker changes (`l2l.patches.branch`):
  logits = unconditional + strength * branch. Ng et al. 2022, section 3.3, has one transformer over both, of 40 frames.
- The two are trained one after the other. Trained together, the listener's own past is learned by heart long before
  the speaker counts: with 20 minutes of recordings such a model was worse with the speaker than without.
- Beside its number, a code goes in and out as its vector in the codebook: codes whose vectors lie close together are
  alike, and six tables of 64 codes do not fit into a narrow token.
- The codes of a patch are drawn one after another: head q sees the trunk and the codes already drawn of this patch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l2l import config
from l2l.features import speaker
from l2l.features.speaker import SpeakerFeatures
from l2l.patches.branch import SpeakerBranch
from l2l.patches.causal import Cache, CausalTransformer
from l2l.patches.codebook import Codebook
from l2l.patches.posture import Posture
from l2l.patches.vectors import CodeVectors


def table(codes: int, width: int) -> nn.Embedding:
    """An embedding that starts small beside what it is added to."""
    embedding = nn.Embedding(codes, width)
    nn.init.normal_(embedding.weight, std=0.02)
    return embedding


class DepthHead(nn.Module):
    """Logits of the codes of a patch, one after another.

    A code's logit is that of its number plus how well its vector fits the one aimed at.
    """

    def __init__(self, width: int, inner: int, vectors: CodeVectors, per_patch: int, codes: int) -> None:
        super().__init__()
        self.vectors = vectors
        sizes = [vectors.level(q).shape[1] for q in range(per_patch)]
        self.seen = nn.ModuleList([table(codes, width) for _ in range(per_patch - 1)])
        self.placed = nn.ModuleList([nn.Linear(size, width, bias=False) for size in sizes[:-1]])
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(per_patch)])
        self.hidden = nn.ModuleList([nn.Linear(width, inner) for _ in range(per_patch)])
        self.logits = nn.ModuleList([nn.Linear(inner, codes) for _ in range(per_patch)])
        self.aims = nn.ModuleList([nn.Linear(inner, size) for size in sizes])

    def one(self, x: Tensor, q: int) -> Tensor:
        """Logits (..., K) of code q; x (..., D) is the trunk plus the codes drawn before it."""
        hidden = F.gelu(self.hidden[q](self.norms[q](x)))
        return self.logits[q](hidden) + self.aims[q](hidden) @ self.vectors.aims(q).T

    def embed(self, codes: Tensor, q: int) -> Tensor:
        """Code q as the heads after it see it, codes (...) -> (..., D)."""
        return self.seen[q](codes) + self.placed[q](F.embedding(codes, self.vectors.level(q)))

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        """Trunk (B, P, D) and the true codes (B, P, Q) -> logits (B, P, Q, K)."""
        found = []
        for q in range(len(self.logits)):
            found.append(self.one(x, q))
            if q < len(self.seen):
                x = x + self.embed(codes[..., q], q)
        return torch.stack(found, dim=2)


class Predictor(nn.Module):
    """`per_patch` codes of 0..`codes` - 1 of `codebook` for each patch.

    `offset` (Q, K) and `temperature` (Q,) are part of the model; `strength` (Q,), `bias` (Q, K) and `posture` are for
    drawing. They, and how features are made, are set after training: see `l2l.patches.train_branch`.
    """

    offset: Tensor
    temperature: Tensor
    strength: Tensor
    bias: Tensor

    def __init__(self, sizes: config.PredictorSettings, codebook: Codebook, people: int = 0) -> None:
        """`people`: how many listeners it tells apart; 0: it models one."""
        super().__init__()
        assert sizes.width != "auto" and sizes.layers != "auto" and sizes.head_width != "auto", "see `predictor_sizes`"
        width, per_patch, codes = sizes.width, codebook.per_patch, codebook.codes
        self.per_patch, self.codes = per_patch, codes
        self.people = table(people, width) if people else None
        self.vectors = CodeVectors(codebook)
        self.past = nn.ModuleList([table(codes + 1, width) for _ in range(per_patch)])  # the last: not known
        self.placed = nn.Linear(sum(self.vectors.level(q).shape[1] for q in (0, codebook.levels)), width, bias=False)
        self.trunk = CausalTransformer(
            width, sizes.layers, sizes.heads, sizes.expansion * width, sizes.window, sizes.dropout
        )
        self.head = DepthHead(width, sizes.head_width, self.vectors, per_patch, codes)
        self.dropout = nn.Dropout(sizes.dropout)
        self.branch = SpeakerBranch(sizes.branch, [self.vectors.level(q).shape[1] for q in range(per_patch)], people)
        self.register_buffer("offset", torch.zeros(per_patch, codes))
        self.register_buffer("temperature", torch.ones(per_patch))
        self.register_buffer("strength", torch.ones(per_patch))
        self.register_buffer("bias", torch.zeros(per_patch, codes))
        self.posture = Posture(self.vectors)
        for name, shape in speaker.shapes().items():
            self.register_buffer(f"speaker_{name}", torch.zeros(shape, dtype=torch.float64))

    @property
    def unknown(self) -> int:
        """The code of a patch of which nothing is known."""
        return self.codes

    @property
    def features(self) -> SpeakerFeatures:
        """How the speaker's features are made."""
        found = {name: self.get_buffer(f"speaker_{name}").cpu().numpy() for name in speaker.shapes()}
        return SpeakerFeatures(**found)

    @features.setter
    def features(self, features: SpeakerFeatures) -> None:
        for name in speaker.shapes():
            self.get_buffer(f"speaker_{name}").copy_(torch.from_numpy(getattr(features, name)))

    def tokens(self, past: Tensor, who: Tensor | None = None) -> Tensor:
        """Codes (B, ..., Q) of the patches before and who listens (B,) -> (B, ..., D)."""
        x = torch.stack([known(past[..., q]) for q, known in enumerate(self.past)]).sum(0)
        x = x + self.placed(self.vectors(past))
        if self.people is not None:
            assert who is not None, "a model of several people needs to know who listens"
            x = x + self.people(who).reshape(len(who), *[1] * (x.ndim - 2), -1)
        return self.dropout(x)

    def forward(self, past: Tensor, codes: Tensor, features: Tensor | None = None, who: Tensor | None = None) -> Tensor:
        """Logits (B, P, Q, K) of all patches at once.

        past (B, P, Q): the codes of the patch before each, or `unknown`; codes (B, P, Q): the true ones, each seen by
        the heads after it; features (B, 8 P, F) of the speaker, without whom the listener is unconditional; who (B,):
        which listener, for a model of several.
        """
        return self.conditioned(
            self.unconditional(past, codes, who), None if features is None else self.branch(features), who
        )

    def conditioned(self, logits: Tensor, heard: Tensor | None = None, who: Tensor | None = None) -> Tensor:
        """Logits (B, ..., Q, K) without a speaker, and what `who` (B,) hears (B, ..., H), if anything -> logits."""
        if heard is not None:
            logits = logits + self.added(heard, who)
        return logits / self.temperature[:, None]

    def unconditional(self, past: Tensor, codes: Tensor, who: Tensor | None = None) -> Tensor:
        """Logits (B, P, Q, K) without a speaker, as in `forward`, before the temperature."""
        return self.head(self.dropout(self.trunk(self.tokens(past, who))), codes) + self.offset

    def added(self, heard: Tensor, who: Tensor | None = None) -> Tensor:
        """What `who` (B,) hears (B, ..., H) -> what it adds to the logits (B, ..., Q, K), before the temperature."""
        return self.branch.added(heard, [self.vectors.aims(q) for q in range(self.per_patch)], who)

    def begin(self, batch: int) -> Cache:
        """An empty memory for `step`."""
        return self.trunk.begin(batch)

    def step(self, past: Tensor, cache: Cache, who: Tensor | None = None) -> Tensor:
        """The trunk (B, D) of the next patch, from the codes (B, Q) before it."""
        return self.trunk.step(self.tokens(past, who), cache)
