"""All metrics of one row: what is measured once for the reference, and then of every prediction alike."""

from typing import Any

import numpy as np

from l2l.evaluation import events, motion, synchrony
from l2l.evaluation.bootstrap import Bootstrap, Number, absent, known_mean, ratio
from l2l.evaluation.clips import REGIONS, Clips, Predicted, Reference, blocks, in_parts, stacked
from l2l.evaluation.definitions import LISTENING, METRICS
from l2l.evaluation.distances import Centred, Moments, Truth, clip_frechet, frechet, l2, mse
from l2l.evaluation.events import Directions
from l2l.evaluation.side_by_side import side_by_side
from l2l.features.standardize import Standardizer
from l2l.units import FPS, MODEL_DIM

NO_BASIS = "the expression's meaning is not known: no face basis was given"
FRECHET_DRAWS = 400  # draws for pooled Frechet distances, at most: each needs the roots of large matrices
_DRAWS = 50  # draws of the bootstrap whose covariances are in memory at once
_JOINT = 2 * MODEL_DIM  # speaker, then listener
_POOLED = {  # from sums over the set (B, S, ...) to numbers (B, S)
    "rpcc_pooled": lambda sums: synchrony.rpcc(sums[:, 1:], sums[:, :1]),  # the truth's come first
    "variation_pooled": motion.pooled_variation,
    "seam": motion.seam,
    **dict.fromkeys(motion.CLUSTERS, motion.sid),
}

Key = tuple[str, str]  # metric and region
Results = dict[str, dict[str, Number]]  # metric -> region or kind -> number


def _channels() -> dict[Key, tuple[str, np.ndarray]]:
    """Which sums of frames each Frechet distance is of, and which of their channels."""
    found = {}
    for region, c in REGIONS.items():
        own = np.arange(MODEL_DIM)[c]
        found["fd", region] = "joint", MODEL_DIM + own
        found["p_fd", region] = "joint", np.concatenate([own, MODEL_DIM + own])
        found["fd_velocity", region] = "velocity", own
    return found


def _parts(draws: np.ndarray) -> list[np.ndarray]:
    """Draws (D, ...) in parts of at most `_DRAWS`, at least one part."""
    return [draws[start : start + _DRAWS] for start in range(0, max(len(draws), 1), _DRAWS)]


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
        block: int = motion.BLOCK,
    ) -> None:
        """`released`: the truth standardized, N arrays (T, 56), and what by. `event_window`: seconds. `block`: frames
        that a model decodes together."""
        self.block = block
        self.reference, self.bootstrap, self.seed = reference, bootstrap, seed
        self.released, self.directions, self.event_window = released, directions, event_window
        frames = np.concatenate([np.asarray(clip, np.float64) for clip in reference.truth])  # (F, 56)
        self.origin = np.tile(frames.mean(0), 2)  # of speaker and listener: sums about it lose no digits
        # Of few recordings many draws are the same.
        counts = bootstrap.counts[: FRECHET_DRAWS if len(bootstrap) > 1 else 0]
        self.draws, self.drawn = np.unique(counts, axis=0, return_inverse=True)  # (U, G), and which of them each is
        with side_by_side() as pool:
            clusters = {
                (name, region): pool.submit(motion.fit_clusters, frames[:, REGIONS[region]], count)
                for name, counts in motion.CLUSTERS.items()
                for region, count in counts.items()
            }
            self.truths = self._truths()
            self.events = self._detect(slice(0, len(reference)), reference.truth)
        self.clusters = {key: fitted.result() for key, fitted in clusters.items()}

    def score(self, predicted: Predicted) -> Results:
        """All numbers of predictions, raw units. Raises ValueError when they are not of all clips."""
        values: dict[Key, np.ndarray] = {}
        sums: dict[Key, np.ndarray] = {}
        moments: dict[str, Moments] = {}
        counts = {kind: np.zeros((len(self.reference), 3)) for kind in self.events}
        count = 0
        for chosen, clips in in_parts(predicted):
            self._per_clip(chosen, clips, values, sums)
            self._add_moments(chosen, clips, moments)
            self._add_counts(chosen, clips, counts)
            count = chosen.stop
        if count != len(self.reference):
            raise ValueError(f"predictions of {count} clips, expected {len(self.reference)}")
        found: Results = {name: {} for name in METRICS if name not in LISTENING}
        for (name, region), array in values.items():  # (S, N)
            missing = METRICS[name].missing
            found[name][region] = self.bootstrap.mean(known_mean(array), missing)
            if f"{name}_best" in METRICS:
                found[f"{name}_best"][region] = self.bootstrap.mean(array.min(0), missing)
        for (name, region), array in sums.items():  # (S, N, ...)
            missing = METRICS[name].missing
            by_recording = self.bootstrap.sums(array.swapaxes(0, 1))  # (G, S, ...)

            def pooled(total: np.ndarray, function: Any = _POOLED[name]) -> np.ndarray:
                return known_mean(function(total).T)

            found[name][region] = self.bootstrap.estimate(by_recording, pooled, missing)
            if name == "rpcc_pooled":
                found["rpcc_video"][region] = self.bootstrap.mean_of_recordings(pooled(by_recording), missing)
        self._frechet(moments, found)
        self._events(counts, found)
        return {
            name: {part: parts.get(part) or absent(METRICS[name].missing) for part in METRICS[name].parts}
            for name, parts in found.items()
        }

    def _per_clip(self, part: slice, clips: Clips, values: dict[Key, np.ndarray], sums: dict[Key, np.ndarray]) -> None:
        """Fill in a part of single clips' metrics (S, N), and of the sums (S, N, ...) that pooled ones are made of."""
        samples = len(clips[0])

        def keep(into: dict[Key, np.ndarray], name: str, region: str, array: np.ndarray) -> None:
            if (name, region) not in into:
                into[name, region] = np.full((len(array), len(self.reference), *array.shape[2:]), np.nan)
            into[name, region][:, chosen] = array

        for chosen in blocks(self.reference, part, samples * _JOINT):
            truth, speaker, before = (
                stacked(of, chosen) for of in (self.reference.truth, self.reference.speaker, self.reference.before)
            )  # (n, T, 56), (n, T, 56), (n, P, 56)
            p = stacked(clips, chosen - part.start).swapaxes(0, 1)  # (S, n, T, 56)
            pairs = motion.frame_pairs(p.shape[2], self.seed)
            lags = synchrony.lags_of(p.shape[2], FPS)
            lagged = synchrony.lagged_correlation(p, speaker, lags)  # (S, n, L, 56)
            together = np.concatenate(
                [synchrony.correlation_sums(truth, speaker)[None], synchrony.correlation_sums(p, speaker)]
            )  # (1 + S, n, 56, 6)
            whole = np.concatenate([np.broadcast_to(before, (samples, *before.shape)), p], 2)  # (S, n, P + T, 56)
            if self.released:
                mine, standardizer = stacked(self.released[0], chosen), self.released[1]
                keep(values, "l2_released", "all", l2((p - standardizer.mean) / standardizer.std, mine))
            parts = p, truth, np.diff(p, axis=-2), np.diff(truth, axis=-2), speaker
            centred = [Centred.of(part) for part in parts]
            for region, c in REGIONS.items():
                x, g = p[..., c], truth[..., c]
                own, true, steps, true_steps, beside = (part.of_channels(c) for part in centred)
                peak = synchrony.tlcc(lagged[..., c], lags)
                one: dict[str, np.ndarray] = {
                    "l2": l2(x, g),
                    "mse": mse(x, g),
                    "fd_clip": clip_frechet(own, true),
                    "fd_velocity_clip": clip_frechet(steps, true_steps),
                    "p_fd_clip": clip_frechet(own, true, beside),
                    "variation": motion.variation(x),
                    "diversity_pairs": motion.diversity_pairs(x, pairs),
                    "diversity_samples_variance": motion.samples_variance(x)[None],
                    "diversity_samples_pairwise": motion.samples_pairwise(x)[None],
                    "tlcc_correlation": peak.correlation,
                    "tlcc_offset": np.abs(peak.lag),
                    "tlcc_lag": peak.lag,
                }
                for name, array in one.items():
                    keep(values, name, region, array)
                keep(sums, "rpcc_pooled", region, together[..., c, :].sum(-2))
                keep(sums, "variation_pooled", region, motion.pooled_sums(x))
                keep(sums, "seam", region, motion.seam_sums(whole[..., c], before.shape[1], self.block))
                for name in motion.CLUSTERS:
                    if (centres := self.clusters.get((name, region))) is not None:
                        keep(sums, name, region, motion.cluster_counts(x, centres))

    def _add_moments(self, part: slice, clips: Clips, moments: dict[str, Moments]) -> None:
        """Add a part to recordings' (G, S): speaker and listener side by side (112 channels), listener's steps (56)."""
        if not moments:
            shape = len(self.bootstrap), len(clips[0])
            moments |= {"joint": Moments.none(*shape, _JOINT), "velocity": Moments.none(*shape, MODEL_DIM)}
        index = self.bootstrap.index[part]
        for r in np.unique(index):
            mine = np.flatnonzero(index == r).tolist()
            speaker = np.concatenate([self.reference.speaker[part.start + n] for n in mine])  # (F, 56)
            ends = np.cumsum([clips[n].shape[1] for n in mine[:-1]], dtype=int)
            for s in range(len(clips[0])):  # one by one: clips may be hours long
                frames = np.concatenate([speaker, np.concatenate([clips[n][s] for n in mine])], 1) - self.origin
                steps = np.delete(np.diff(frames[:, MODEL_DIM:], axis=0), ends - 1, axis=0)
                moments["joint"].add((r, s), Moments.of(frames))
                moments["velocity"].add((r, s), Moments.of(steps))

    def _truths(self) -> dict[Key, tuple[Truth, Truth, Truth]]:
        """What Frechet distances are from: each recording, all of them, each different draw of them."""
        moments: dict[str, Moments] = {}
        for chosen, clips in in_parts([clip[None] for clip in self.reference.truth]):
            self._add_moments(chosen, clips, moments)
        everything, found = np.ones((1, len(self.bootstrap))), {}
        for key, (part, at) in _channels().items():
            own = moments[part].of_sample(0).of_channels(at)
            drawn = Truth.stack([Truth.of(own.combined(some).gaussian()) for some in _parts(self.draws)])
            found[key] = Truth.of(own.gaussian()), Truth.of(own.combined(everything).gaussian()), drawn
        return found

    def _frechet(self, moments: dict[str, Moments], found: Results) -> None:
        """Per recording and pooled; a draw of the bootstrap takes one sample set, in turn, which bounds its cost."""
        channels, (recordings, samples) = _channels(), moments["joint"].number.shape
        video = {key: np.empty((samples, recordings)) for key in channels}
        pooled = {key: np.empty(samples) for key in channels}
        drawn = {key: np.full(len(self.drawn), np.nan) for key in channels}
        for s in range(samples):
            needed, which = np.unique(self.drawn[s::samples], return_inverse=True)
            for key, (part, at) in channels.items():
                mine, (each, whole, of_draws) = moments[part].of_sample(s).of_channels(at), self.truths[key]
                video[key][s] = frechet(mine.gaussian(), each)
                pooled[key][s] = frechet(mine.combined(np.ones((1, recordings))).gaussian(), whole)[0]
                of_parts = [
                    frechet(mine.combined(self.draws[some]).gaussian(), of_draws.of_those(some))
                    for some in _parts(needed)
                ]
                drawn[key][s::samples] = np.concatenate(of_parts)[which]
        for name, region in channels:
            missing, key = METRICS[f"{name}_video"].missing, (name, region)
            mean = self.bootstrap.mean_of_recordings
            found[f"{name}_video"][region] = mean(known_mean(video[key]), missing)
            found[f"{name}_video_best"][region] = mean(video[key].min(0), missing)
            found[f"{name}_pooled"][region] = self.bootstrap.number(float(pooled[key].mean()), drawn[key], missing)

    def _detect(self, part: slice, listener: Clips) -> dict[str, events.Events]:
        before = self.reference.before[part]
        whole = [np.concatenate([past, clip]) for past, clip in zip(before, listener, strict=True)]
        return events.detect(whole, [len(past) for past in before], self.directions)

    def _add_counts(self, part: slice, clips: Clips, counts: dict[str, np.ndarray]) -> None:
        """Fill in a part of each kind's counts (N, 3), mean over samples: see `events.match`."""
        samples, true = len(clips[0]), {kind: of.of_clips(part) for kind, of in self.events.items()}
        for s in range(samples):
            for kind, mine in self._detect(part, [clip[s] for clip in clips]).items():
                counts[kind][part] += events.match(mine, true[kind], len(clips), self.event_window) / samples

    def _events(self, counts: dict[str, np.ndarray], found: Results) -> None:
        minutes = self.bootstrap.sums(np.array(self.reference.lengths) / FPS / 60)  # (G,)
        for kind in events.KINDS:
            if kind not in counts:
                for name in ("rate", *events.SCORES):
                    found[f"event_{name}"][kind] = absent(NO_BASIS)
                continue
            sums = self.bootstrap.sums(counts[kind])  # (G, 3)
            rate, missing = np.stack([sums[:, 1], minutes], 1), METRICS["event_rate"].missing
            found["event_rate"][kind] = self.bootstrap.estimate(rate, ratio, missing)
            for name, function in events.SCORES.items():
                missing = METRICS[f"event_{name}"].missing
                found[f"event_{name}"][kind] = self.bootstrap.estimate(sums, function, missing)
