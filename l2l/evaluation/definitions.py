"""What each number of eval.json is: its formula, units, pooling, direction and source, and why it may be missing.

- One table: eval.json carries it, `l2l compare` takes directions from it, and docs/metrics.md is held against it.
- `better` is "lower", "higher", or "truth": as close as possible to the truth's own number.
"""

from typing import Literal, NamedTuple

from l2l.evaluation.clips import REGIONS
from l2l.evaluation.events import KINDS

Better = Literal["lower", "higher", "truth"]
RAW = "of the data: expression coefficients; radians for rotation, jaw and pose; both for all"
SQUARED = "squares of those of the data"
CLIP, VIDEO = "mean over samples, then over clips", "mean over samples, then over recordings"
BEST_CLIP = "least over samples, with the truth in view, for each clip and region; then mean over clips"
BEST_VIDEO = "least over samples, with the truth in view, for each recording and region; then mean over recordings"
SETS = "predicted frames of the whole set together, for each sample set; mean over sample sets"
NG = "Ng et al. 2022, section 4"
SHORT = "fewer than two frames"
SINGLE = "one sample: nothing differs between samples"


class Metric(NamedTuple):
    """One metric: all that is needed to read its numbers."""

    definition: str
    units: str
    pooling: str
    better: Better
    source: str
    missing: str  # why a value may not exist
    parts: tuple[str, ...] = tuple(REGIONS)


def _frechet(of: str, source: str) -> dict[str, Metric]:
    """The three poolings of a Frechet distance, and the best samples of the first two."""

    def one(pooling: str) -> Metric:
        text = f"squared Frechet distance of Gaussians (ddof 1) fitted to {of}, predicted and true"
        return Metric(text, SQUARED, pooling, "lower", source, SHORT)

    return {
        "clip": one(f"one distance per clip; {CLIP}"),
        "clip_best": one(f"one distance per clip; {BEST_CLIP}"),
        "video": one(f"one distance per recording, over the frames of its clips; {VIDEO}"),
        "video_best": one(f"one distance per recording, over the frames of its clips; {BEST_VIDEO}"),
        "pooled": one(f"{SETS}; the interval: the first 400 draws, each with one sample set, in turn"),
    }


def _distances() -> dict[str, Metric]:
    l2 = "Euclidean norm of the error of a frame, mean over predicted frames"
    mse = "squared error, mean over predicted frames and channels"
    released = "as l2 over all 56 channels, standardized by the codebook's numbers, truth smoothed where these say so"
    no_codebook = "no codebook was given to standardize by"
    frames, velocity = "frames", "differences of successive frames within a clip"
    joint = "speaker and listener side by side, with the true speaker on both sides"
    families = {
        "fd": _frechet(frames, f"Heusel et al. 2017; {NG}; per clip LM-Listener, per recording DIM"),
        "fd_velocity": _frechet(velocity, "as fd; on differences audio2photoreal"),
        "p_fd": _frechet(joint, "paired FD of DIM and its successors"),
    }
    return {
        "l2": Metric(l2, RAW, CLIP, "lower", f"{NG}; here in raw units", SHORT),
        "l2_best": Metric(l2, RAW, BEST_CLIP, "lower", "best of S", SHORT),
        "mse": Metric(mse, SQUARED, CLIP, "lower", "LM-Listener and DIM, who call it L2", SHORT),
        "mse_best": Metric(mse, SQUARED, BEST_CLIP, "lower", "best of S", SHORT),
        "l2_released": Metric(
            released, "standard deviations", CLIP, "lower", "the released program's only number", no_codebook, ("all",)
        ),
        "l2_released_best": Metric(
            released, "standard deviations", BEST_CLIP, "lower", "best of S", no_codebook, ("all",)
        ),
        **{f"{name}_{pooling}": metric for name, family in families.items() for pooling, metric in family.items()},
    }


def _motion() -> dict[str, Metric]:
    sid = "Shannon index -sum p log2(p + 1e-6) of k-means clusters that were fitted to the set's true frames"
    few = "fewer different true frames than clusters"
    return {
        "sid_15_9": Metric(
            sid, "bits", SETS, "truth", "DIM's numbers as cited from its paper", few, ("expression", "pose")
        ),
        "sid_40_20": Metric(sid, "bits", SETS, "truth", "DIM's code", few, ("expression", "pose")),
        "variation": Metric(
            "variance over time (ddof 0), mean over channels", SQUARED, CLIP, "truth", "LM-Listener", SHORT
        ),
        "variation_pooled": Metric("variance of all numbers together (ddof 0)", SQUARED, SETS, "truth", "DIM", SHORT),
        "diversity_pairs": Metric(
            "mean distance of 30 random pairs of frames of a clip (10 when it has at most 30), the same for all rows",
            RAW,
            CLIP,
            "truth",
            "LM-Listener",
            SHORT,
        ),
        "diversity_samples_variance": Metric(
            "variance (ddof 0) between the samples of one input, mean over frames and channels",
            SQUARED,
            "mean over clips",
            "higher",
            "REACT",
            SINGLE,
        ),
        "diversity_samples_pairwise": Metric(
            "sum over ordered pairs of samples of the squared distance / (S (S - 1) T C)",
            SQUARED,
            "mean over clips",
            "higher",
            "FRDiv of REACT",
            SINGLE,
        ),
        "seam": Metric(
            "norm of the second difference at block boundaries over that elsewhere; the true past is put before",
            "none; 1 is no seam",
            "ratio of means over the set",
            "truth",
            "ours",
            "no block boundary with known frames on both sides, or no motion elsewhere",
        ),
    }


def _together() -> dict[str, Metric]:
    rpcc = "|corr(truth, speaker) - corr(prediction, speaker)| over flattened (time, channel)"
    constant = "a constant signal has no correlation"
    tlcc = "correlation with the speaker at each lag, mean over channels"
    return {
        "rpcc_pooled": Metric(rpcc, "none", SETS, "lower", "DIM", constant),
        "rpcc_video": Metric(rpcc, "none", f"one number per recording; {VIDEO}", "lower", "R-DGG", constant),
        "tlcc_correlation": Metric(f"{tlcc}: the peak over lags", "none", CLIP, "truth", "REACT", constant),
        "tlcc_offset": Metric(f"{tlcc}: |lag| of the peak", "frames", CLIP, "truth", "REACT", constant),
        "tlcc_lag": Metric(
            f"{tlcc}: lag of the peak, > 0 when the listener is later", "frames", CLIP, "truth", "REACT", constant
        ),
        "event_rate": Metric("events", "per minute", "over all predicted frames", "truth", "ours", SHORT, KINDS),
        "event_precision": Metric(
            "matched over predicted events", "none", "over all events", "higher", "GLARE", "no event predicted", KINDS
        ),
        "event_recall": Metric(
            "matched over true events", "none", "over all events", "higher", "GLARE", "no true event", KINDS
        ),
        "event_f1": Metric(
            "2 matched over predicted and true events", "none", "over all events", "higher", "GLARE", "no event", KINDS
        ),
        "gain": Metric(
            "mean over K other moments of log E' - log E: errors with that moment's speaker, and the true one",
            "none; 0.1 is 10 % more error without the true speaker",
            "errors mean over the clips of a recording; then mean over recordings",
            "higher",
            "after R-DGG",
            "this row cannot be asked again with another speaker",
            ("nll", "l2"),
        ),
    }


METRICS: dict[str, Metric] = {**_distances(), **_motion(), **_together()}
HEADLINE = (  # what a person reads first
    ("gain", "nll"),
    ("gain", "l2"),
    ("l2", "all"),
    ("l2_best", "all"),
    ("fd_pooled", "expression"),
    ("fd_pooled", "pose"),
    ("p_fd_pooled", "all"),
    ("rpcc_pooled", "all"),
    ("event_f1", "nod"),
)
