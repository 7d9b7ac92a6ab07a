"""All metrics of one row: what is measured once for the reference, and then of every prediction alike."""

from collections.abc import Callable
from typing import Any

import numpy as np

from l2l.evaluation import diversity, events, synchrony
from l2l.evaluation.bootstrap import Bootstrap, number, ratio
from l2l.evaluation.clips import REGIONS, Clips, Reference, blocks, by_clip, stacked
from l2l.evaluation.definitions import METRICS
from l2l.evaluation.distances import l2, mse
from l2l.evaluation.events import Directions
from l2l.evaluation.frechet import Moments, clip_frechet, moments_frechet
from l2l.evaluation.seam import BLOCK, seam, seam_sums
from l2l.features.standardize import Standardizer
from l2l.units import FPS, MODEL_DIM

NO_BASIS = "the expression's meaning is not known: no face basis was given"
_DRAWS = 50  # draws of the bootstrap whose covariances are in memory at once
FRECHET_DRAWS = 400  # draws for pooled Frechet distances, at most: each needs the roots of large matrices
_JOINT = 2 * MODEL_DIM  # speaker, then listener

Number = dict[str, Any]
Values = dict[tuple[str, str], np.ndarray]


class Scorer:
    """The reference with all that every row shares: draws, clusters, pairs of frames, the truth's own sums."""

    def __init__(
        self,
        reference: Reference,
        bootstrap: Bootstrap,
        seed: int,
        event_window: float,
        released: tuple[Clips, Standardizer] | None = None,
        directions: Directions | None = None,
        block: int = BLOCK,
    ) -> None:
        """`released`: the truth standardized, N arrays (T, 56), and what by. `event_window`: seconds. `block`: frames
        that a model decodes together."""
        self.block = block
        self.reference, self.bootstrap, self.seed = reference, bootstrap, seed
        self.released, self.directions, self.event_window = released, directions, event_window
        frames = np.concatenate([np.asarray(clip, np.float64) for clip in reference.truth])  # (F, 56)
        self.origin = frames.mean(0)  # sums about it lose no digits
        self.clusters = {
            (name, region): diversity.fit_clusters(frames[:, REGIONS[region]], count)
            for name, counts in diversity.CLUSTERS.items()
            for region, count in counts.items()
        }
        self.correlations = self._truth_sums()
        self.joint, self.velocity = self._moments(reference.truth)
        self.events = self._detect(reference.truth)

    def score(self, predicted: np.ndarray | Clips) -> dict[str, dict[str, Number]]:
        """Metric -> region or kind -> number, of predictions (S, N, T, 56) or N arrays (S, T, 56), raw units."""
        clips = by_clip(predicted)
        values, sums = self._per_clip(clips)
        found: dict[str, dict[str, Number]] = {}

        def put(name: str, part: str, value: Number) -> None:
            found.setdefault(name, {})[part] = value

        for (name, part), array in values.items():  # (S, N)
            missing = METRICS[name].missing
            put(name, part, self.bootstrap.mean(_mean(array), missing))
            if f"{name}_best" in METRICS:
                put(f"{name}_best", part, self.bootstrap.mean(array.min(0), missing))
        for (name, part), array in sums.items():  # (S, N, ...)
            if name == "rpcc":
                for kind, _, one in self._correlations(part, array):
                    put(kind, part, one)
            else:
                put(name, part, self._pooled(name, array))
        for name, part, one in (*self._frechet(clips), *self._events(clips)):
            put(name, part, one)
        for name, metric in METRICS.items():
            for part in metric.parts if name != "gain" else ():
                if part not in found.setdefault(name, {}):
                    put(name, part, {"value": None, "interval_95": None, "reason": metric.missing})
        return {name: {part: found[name][part] for part in METRICS[name].parts} for name in METRICS if name in found}

    def _per_clip(self, clips: Clips) -> tuple[Values, Values]:
        """Metrics of single clips (S, N), and the sums over clips (S, N, ...) that others are made of."""
        values: Values = {}
        sums: Values = {}
        shape = (len(clips[0]), len(clips))

        def keep(into: Values, name: str, part: str, chosen: np.ndarray, array: np.ndarray) -> None:
            empty = np.full((*shape, *array.shape[2:]), np.nan)
            into.setdefault((name, part), empty)[:, chosen] = array

        for chosen in blocks(self.reference.truth, shape[0] * _JOINT):
            truth, speaker, before = (
                stacked(part, chosen) for part in (self.reference.truth, self.reference.speaker, self.reference.before)
            )  # (n, T, 56), (n, T, 56), (n, P, 56)
            p = stacked(clips, chosen).swapaxes(0, 1)  # (S, n, T, 56)
            frames, first = p.shape[2], before.shape[1]
            pairs = diversity.frame_pairs(frames, self.seed)
            lags = synchrony.lags_of(frames, FPS)
            lagged = synchrony.lagged_correlation(p, speaker, lags)  # (S, n, L, 56)
            together = synchrony.correlation_sums(p, speaker)  # (S, n, 56, 6)
            whole = np.concatenate([np.broadcast_to(before, (shape[0], *before.shape)), p], 2)  # (S, n, P + T, 56)
            if self.released:
                mine, standardizer = stacked(self.released[0], chosen), self.released[1]
                z = (p - standardizer.mean) / standardizer.std
                keep(values, "l2_released", "all", chosen, l2(z, mine))
            for region, c in REGIONS.items():
                x, g, s = p[..., c], truth[..., c], speaker[..., c]
                step, true_step = np.diff(x, axis=-2), np.diff(g, axis=-2)
                pair, true_pair = np.concatenate([np.broadcast_to(s, x.shape), x], -1), np.concatenate([s, g], -1)
                peak = synchrony.tlcc(lagged[..., c], lags)
                one: dict[str, np.ndarray] = {
                    "l2": l2(x, g),
                    "mse": mse(x, g),
                    "fd_clip": clip_frechet(x, g),
                    "fd_velocity_clip": clip_frechet(step, true_step),
                    "p_fd_clip": clip_frechet(pair, true_pair),
                    "variation": diversity.variation(x),
                    "diversity_pairs": diversity.diversity_pairs(x, pairs),
                    "diversity_samples_variance": diversity.samples_variance(x)[None].repeat(shape[0], 0),
                    "diversity_samples_pairwise": diversity.samples_pairwise(x)[None].repeat(shape[0], 0),
                    "tlcc_correlation": peak.correlation,
                    "tlcc_offset": np.abs(peak.lag),
                    "tlcc_lag": peak.lag,
                }
                for name, array in one.items():
                    keep(values, name, region, chosen, array)
                keep(sums, "rpcc", region, chosen, together[..., c, :].sum(-2))
                keep(sums, "variation_pooled", region, chosen, diversity.pooled_sums(x))
                keep(sums, "seam", region, chosen, seam_sums(whole[..., c], first, self.block))
                for name in diversity.CLUSTERS:
                    if (centres := self.clusters.get((name, region))) is not None:
                        keep(sums, name, region, chosen, diversity.cluster_counts(x, centres))
        return values, sums

    def _pooled(self, name: str, sums: np.ndarray) -> Number:
        """A function of sums over the set, for each sample set, then their mean; sums (S, N, ...)."""
        functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "variation_pooled": diversity.pooled_variation,
            "seam": seam,
        }
        function = functions.get(name, diversity.sid)
        by_recording = self.bootstrap.sums(sums.swapaxes(0, 1))  # (G, S, ...)
        return self.bootstrap.estimate(by_recording, lambda total: _mean(function(total).T), METRICS[name].missing)

    def _truth_sums(self) -> np.ndarray:
        """Of the truth with the speaker, (N, 56, 6)."""
        sums = np.empty((len(self.reference), MODEL_DIM, 6))
        for chosen in blocks(self.reference.truth, _JOINT):
            truth, speaker = (stacked(part, chosen) for part in (self.reference.truth, self.reference.speaker))
            sums[chosen] = synchrony.correlation_sums(truth, speaker)
        return sums

    def _correlations(self, region: str, sums: np.ndarray) -> list[tuple[str, str, Number]]:
        """rPCC over the set and per recording; sums (S, N, 6) of a region."""
        truth = self.correlations[:, REGIONS[region]].sum(1)  # (N, 6)
        both = self.bootstrap.sums(np.concatenate([truth[:, None], sums.swapaxes(0, 1)], 1))  # (G, 1 + S, 6)

        def function(sums: np.ndarray) -> np.ndarray:
            return _mean(synchrony.rpcc(sums[:, 1:], sums[:, :1]).T)

        missing = METRICS["rpcc_pooled"].missing
        return [
            ("rpcc_pooled", region, self.bootstrap.estimate(both, function, missing)),
            ("rpcc_video", region, self.bootstrap.mean_of_recordings(function(both), missing)),
        ]

    def _moments(self, motion: Clips) -> tuple[Moments, Moments]:
        """Of each recording: speaker and listener side by side (112 channels), and steps of the listener (56)."""
        both, steps = [], []
        for r in range(len(self.bootstrap)):
            mine = np.flatnonzero(self.bootstrap.index == r).tolist()
            clips = [np.asarray(motion[n], np.float64) - self.origin for n in mine]
            speakers = [np.asarray(self.reference.speaker[n], np.float64) - self.origin for n in mine]
            both.append(Moments.of(np.concatenate([np.concatenate(speakers), np.concatenate(clips)], 1)))
            steps.append(Moments.of(np.concatenate([np.diff(clip, axis=0) for clip in clips])))
        return Moments.stack(both), Moments.stack(steps)

    def _frechet(self, clips: Clips) -> list[tuple[str, str, Number]]:
        """Per recording and pooled; a draw of the bootstrap takes one sample set, in turn, which bounds its cost."""
        channels = np.arange(MODEL_DIM)
        places = {("fd", region): MODEL_DIM + channels[c] for region, c in REGIONS.items()} | {
            ("p_fd", region): np.concatenate([channels[c], MODEL_DIM + channels[c]]) for region, c in REGIONS.items()
        }
        steps = {("fd_velocity", region): channels[c] for region, c in REGIONS.items()}
        samples, counts = len(clips[0]), self.bootstrap.counts[:FRECHET_DRAWS]
        everything = np.ones((1, len(self.bootstrap)))
        video: dict[tuple[str, str], list[np.ndarray]] = {}
        pooled: dict[tuple[str, str], list[float]] = {}
        drawn = {key: np.full(len(counts), np.nan) for key in (*places, *steps)}
        for s in range(samples):
            joint, velocity = self._moments([clip[s] for clip in clips])
            # Of few recordings many draws are the same.
            unique, which = np.unique(counts[s::samples], axis=0, return_inverse=True)
            for chosen, mine, true in ((places, joint, self.joint), (steps, velocity, self.velocity)):
                for key, at in chosen.items():
                    video.setdefault(key, []).append(moments_frechet(mine.of_channels(at), true.of_channels(at)))
                for key, distances in _of_draws(chosen, mine, true, everything).items():
                    pooled.setdefault(key, []).append(distances[0])
                if len(self.bootstrap) > 1:
                    for key, distances in _of_draws(chosen, mine, true, unique).items():
                        drawn[key][s::samples] = distances[which]
        return [line for key in video for line in self._poolings(key, video[key], pooled[key], drawn[key])]

    def _poolings(
        self, key: tuple[str, str], video: list[np.ndarray], pooled: list[float], drawn: np.ndarray
    ) -> list[tuple[str, str, Number]]:
        (name, region), by_video = key, np.stack(video)  # (S, G)
        missing = METRICS[f"{name}_video"].missing
        mean = self.bootstrap.mean_of_recordings
        draws = drawn if len(self.bootstrap) > 1 else np.empty(0)
        return [
            (f"{name}_video", region, mean(_mean(by_video), missing)),
            (f"{name}_video_best", region, mean(by_video.min(0), missing)),
            (f"{name}_pooled", region, number(float(np.mean(pooled)), draws, missing)),
        ]

    def _detect(self, motion: Clips) -> dict[str, events.Events]:
        before = self.reference.before
        whole = [np.concatenate([past, clip]) for past, clip in zip(before, motion, strict=True)]
        return events.detect(whole, [len(past) for past in before], self.directions)

    def _events(self, clips: Clips) -> list[tuple[str, str, Number]]:
        samples = len(clips[0])
        minutes = np.array([len(clip) for clip in self.reference.truth]) / FPS / 60
        counts = {kind: np.zeros((len(clips), 3)) for kind in self.events}
        for s in range(samples):
            for kind, mine in self._detect([clip[s] for clip in clips]).items():
                counts[kind] += events.match(mine, self.events[kind], len(clips), self.event_window) / samples
        found = []
        for kind in events.KINDS:
            if kind not in counts:
                nothing = {"value": None, "interval_95": None, "reason": NO_BASIS}
                found += [(f"event_{name}", kind, nothing) for name in ("rate", "precision", "recall", "f1")]
                continue
            sums = self.bootstrap.sums(counts[kind])  # (G, 3)
            rate = np.stack([sums[:, 1], self.bootstrap.sums(minutes)], 1)
            found.append(("event_rate", kind, self.bootstrap.estimate(rate, ratio, METRICS["event_rate"].missing)))
            for function in (events.precision, events.recall, events.f1):
                name = f"event_{function.__name__}"
                found.append((name, kind, self.bootstrap.estimate(sums, function, METRICS[name].missing)))
        return found


def _of_draws(
    chosen: dict[tuple[str, str], np.ndarray], mine: Moments, true: Moments, weights: np.ndarray
) -> dict[tuple[str, str], np.ndarray]:
    """Distances between pooled frames, when recordings are taken `weights` (R, G) times: key -> (R,)."""
    found: dict[tuple[str, str], list[np.ndarray]] = {key: [] for key in chosen}
    for start in range(0, len(weights), _DRAWS):
        some = weights[start : start + _DRAWS]
        draw, true_draw = mine.combined(some), true.combined(some)
        for key, at in chosen.items():
            found[key].append(moments_frechet(draw.of_channels(at), true_draw.of_channels(at)))
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over samples (S, ...) -> (...), those that are NaN left out; NaN where all are."""
    known = np.isfinite(values)
    count = known.sum(0)
    total = np.where(known, values, 0).sum(0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
