"""What each number of eval.json is: its formula, units, pooling, direction and source, and why it may be missing.

- One table: eval.json carries it, `l2l compare` takes directions from it, and docs/metrics.md is held against it.
- `better` is "lower", "higher", or "truth": as close as possible to the truth's own number.
"""

from typing import Literal, NamedTuple

from l2l.evaluation.clips import REGIONS
from l2l.evaluation.events import KINDS

RAW = "of the data: expression coefficients; radians for rotation, jaw and pose; both for all"
SQUARED = "squares of those of the data"
CLIP, VIDEO = "mean over samples, then over clips", "mean over samples, then over recordings"
BEST_CLIP = "least over samples, with the truth in view, for each clip and region; then mean over clips"
BEST_VIDEO = "least over samples, with the truth in view, for each recording and region; then mean over recordings"
SETS = "predicted frames of the whole set together, for each sample set; mean over sample sets"
NG = "Ng et al. 2022, section 4"
SHORT = "fewer than two frames"
SINGLE = "one sample: nothing differs between samples"
CONSTANT = "a constant signal has no correlation"
EVENTS = "over all events"


class Metric(NamedTuple):
    """One metric: all that is needed to read its numbers."""

    definition: str
    units: str
    pooling: str
    better: Literal["lower", "higher", "truth"]
    source: str
    missing: str  # why a value may not exist
    parts: tuple[str, ...] = tuple(REGIONS)


def _with_best(**metrics: Metric) -> dict[str, Metric]:
    """Each metric of clips, and that of the best samples."""
    found = {}
    for name, metric in metrics.items():
        found[name] = metric
        found[f"{name}_best"] = metric._replace(pooling=BEST_CLIP, source="best of S")
    return found


def _frechet(name: str, of: str, source: str) -> dict[str, Metric]:
    """The three poolings of a Frechet distance, and the best samples of the first two."""
    text = f"squared Frechet distance of Gaussians (ddof 1) fitted to {of}, predicted and true"
    recording = "one distance per recording, over the frames of its clips"
    poolings = {
        "clip": f"one distance per clip; {CLIP}",
        "clip_best": f"one distance per clip; {BEST_CLIP}",
        "video": f"{recording}; {VIDEO}",
        "video_best": f"{recording}; {BEST_VIDEO}",
        "pooled": f"{SETS}; the interval: the first 400 draws, each with one sample set, in turn",
    }
    return {f"{name}_{key}": Metric(text, SQUARED, value, "lower", source, SHORT) for key, value in poolings.items()}


_L2 = "Euclidean norm of the error of a frame, mean over predicted frames"
_MSE = "squared error, mean over predicted frames and channels"
_RELEASED = "as l2 over all 56 channels, standardized by the codebook's numbers, truth smoothed where these say so"
_NO_CODEBOOK = "no codebook was given to standardize by"
_JOINT = "speaker and listener side by side, with the true speaker on both sides"
_SID = "Shannon index -sum p log2(p + 1e-6) of k-means clusters that were fitted to the set's true frames"
_SID_PARTS = "fewer different true frames than clusters", ("expression", "pose")
_VARIATION = "variance over time (ddof 0), mean over channels"
_PAIRS = "mean distance of 30 random pairs of frames of a clip (10 when it has at most 30), the same for all rows"
_VARIANCE = "variance (ddof 0) between the samples of one input, mean over frames and channels"
_PAIRWISE = "sum over ordered pairs of samples of the squared distance / (S (S - 1) T C)"
_RPCC = "|corr(truth, speaker) - corr(prediction, speaker)| over flattened (time, channel)"
_TLCC = "correlation with the speaker at each lag, mean over channels"

METRICS: dict[str, Metric] = {
    **_with_best(
        l2=Metric(_L2, RAW, CLIP, "lower", f"{NG}; here in raw units", SHORT),
        mse=Metric(_MSE, SQUARED, CLIP, "lower", "LM-Listener and DIM, who call it L2", SHORT),
        l2_released=Metric(
            *(_RELEASED, "standard deviations", CLIP, "lower", "the released program's only number"),
            *(_NO_CODEBOOK, ("all",)),
        ),
    ),
    **_frechet("fd", "frames", f"Heusel et al. 2017; {NG}; per clip LM-Listener, per recording DIM"),
    **_frechet(
        "fd_velocity", "differences of successive frames within a clip", "as fd; on differences audio2photoreal"
    ),
    **_frechet("p_fd", _JOINT, "paired FD of DIM and its successors"),
    "sid_15_9": Metric(_SID, "bits", SETS, "truth", "DIM's numbers as cited from its paper", *_SID_PARTS),
    "sid_40_20": Metric(_SID, "bits", SETS, "truth", "DIM's code", *_SID_PARTS),
    "variation": Metric(_VARIATION, SQUARED, CLIP, "truth", "LM-Listener", SHORT),
    "variation_pooled": Metric("variance of all numbers together (ddof 0)", SQUARED, SETS, "truth", "DIM", SHORT),
    "diversity_pairs": Metric(_PAIRS, RAW, CLIP, "truth", "LM-Listener", SHORT),
    "diversity_samples_variance": Metric(_VARIANCE, SQUARED, "mean over clips", "higher", "REACT", SINGLE),
    "diversity_samples_pairwise": Metric(_PAIRWISE, SQUARED, "mean over clips", "higher", "FRDiv of REACT", SINGLE),
    "seam": Metric(
        "norm of the second difference at block boundaries over that elsewhere; a given past is put before",
        "none; 1 is no seam",
        "ratio of means over the set",
        "truth",
        "ours",
        "no block boundary with known frames on both sides, or no motion elsewhere",
    ),
    "rpcc_pooled": Metric(_RPCC, "none", SETS, "lower", "DIM", CONSTANT),
    "rpcc_video": Metric(_RPCC, "none", f"one number per recording; {VIDEO}", "lower", "R-DGG", CONSTANT),
    "tlcc_correlation": Metric(f"{_TLCC}: the peak over lags", "none", CLIP, "truth", "REACT", CONSTANT),
    "tlcc_offset": Metric(f"{_TLCC}: |lag| of the peak", "frames", CLIP, "truth", "REACT", CONSTANT),
    "tlcc_lag": Metric(
        f"{_TLCC}: lag of the peak, > 0 when the listener is later", "frames", CLIP, "truth", "REACT", CONSTANT
    ),
    "event_rate": Metric("events", "per minute", "over all predicted frames", "truth", "ours", SHORT, KINDS),
    "event_precision": Metric(
        "matched over predicted events", "none", EVENTS, "higher", "GLARE", "no event predicted", KINDS
    ),
    "event_recall": Metric("matched over true events", "none", EVENTS, "higher", "GLARE", "no true event", KINDS),
    "event_f1": Metric(
        "2 matched over predicted and true events", "none", EVENTS, "higher", "GLARE", "no event", KINDS
    ),
    "gain": Metric(
        "mean over K other moments of log E' - log E: errors with that moment's speaker, and the true one; "
        "a likelihood is given what came before: in the clip, sequence or conversation (context)",
        "none; 0.1 is 10 % more error without the true speaker",
        "errors mean over the clips of a recording; then mean over recordings",
        "higher",
        "after R-DGG",
        "this row cannot be asked again with another speaker",
        ("nll", "l2"),
    ),
    "nats": Metric(
        "negative log-likelihood of the true codes of the predicted frames, by one model with and without its speaker, "
        "given what came before: in the clip, sequence or conversation (context)",
        "nats per frame; of one codebook's codes",
        "mean over the frames of a recording; then mean over recordings",
        "lower",
        "ours",
        "this row has no likelihood",
        ("with_speaker", "without_speaker"),
    ),
    "over_unconditional": Metric(
        "nats without the speaker less nats with the speaker: how much better the speaker makes the model",
        "nats per frame; of one codebook's codes",
        "mean over the frames of a recording; then mean over recordings",
        "higher",
        "ours",
        "this row has no likelihood",
        ("nll",),
    ),
}
LISTENING = ("gain", "nats", "over_unconditional")  # what only the rows that are asked again have
HEADLINE = (  # what a person reads first
    ("gain", "nll"),
    ("gain", "l2"),
    ("over_unconditional", "nll"),
    ("nats", "with_speaker"),
    ("nats", "without_speaker"),
    ("l2", "all"),
    ("l2_best", "all"),
    ("fd_pooled", "expression"),
    ("fd_pooled", "pose"),
    ("p_fd_pooled", "all"),
    ("rpcc_pooled", "all"),
    ("event_f1", "nod"),
)
