"""scenes: cuts, cross-fades and fades end a scene; flashes, captions, light and moving cameras do not."""

import cv2
import numpy as np
import pytest

from l2l.config import TrackingSettings
from l2l.video.picture import Picture
from l2l.video.scenes import scenes

SHARE = TrackingSettings().scene_cut


def view(seed: int, wide: int = 400) -> np.ndarray:
    """(90, wide, 3) float32: something to see, with large and small parts."""
    random = np.random.default_rng(seed)
    layers = [cv2.resize(random.uniform(0, 255, (n, 4 * n)), (wide, 90), interpolation=cv2.INTER_CUBIC) for n in (4, 9)]
    return np.repeat(np.clip(sum(layers) / 2, 0, 255)[:, :, None], 3, 2).astype(np.float32)


A, B = view(1), view(2)


def shot(scene: np.ndarray, frames: int, pan: float = 0.0, sway: float = 1.0) -> list[np.ndarray]:
    """(90, 160, 3) pictures in which the middle sways, as a person does, and the camera pans."""
    pictures = []
    for frame in range(frames):
        x = 40 + round(pan * frame)
        picture = scene[:, x : x + 160].copy()
        moved = round(2 * sway * np.sin(frame / 5))
        picture[20:, 60:100] = scene[20:, x + 60 + moved : x + 100 + moved] * 0.8
        pictures.append(picture)
    return pictures


def numbers(pictures: list[np.ndarray]) -> list[int | None]:
    noise = np.random.default_rng(0).normal(0, 2, (8, 90, 160, 3))
    shown = [np.clip(p + noise[k % 8], 0, 255).astype(np.uint8) for k, p in enumerate(pictures)]
    shown = [Picture.of(picture) for picture in shown]
    found = list(scenes(iter(shown), SHARE))
    assert all(one is other for (one, _), other in zip(found, shown, strict=True))
    return [number for _, number in found]


def test_a_cut_starts_a_scene_at_its_very_frame():
    assert numbers(shot(A, 70) + shot(B, 31) + shot(A, 70)) == [0] * 70 + [1] * 31 + [2] * 70


@pytest.mark.parametrize(("first", "second"), [(3, 40), (40, 3)])
def test_a_cut_near_the_beginning_or_the_end(first, second):
    assert numbers(shot(A, first) + shot(B, second)) == [0] * first + [1] * second


@pytest.mark.parametrize(
    "other",
    [A[:, ::-1], cv2.resize(A[10:80, 40:360], (400, 90)), 0.6 * A[:, ::-1]],
    ids=["mirrored", "nearer", "mirrored and darker"],
)
def test_a_cut_to_a_view_alike_starts_a_scene(other):
    assert numbers(shot(A, 40) + shot(other, 40)) == [0] * 40 + [1] * 40


@pytest.mark.parametrize("length", [10, 20, 40])
def test_pictures_of_a_cross_fade_belong_to_no_scene(length):
    one, other = shot(A, 60 + length), shot(B, 60 + length)
    share = (np.arange(length) + 1) / (length + 1)
    mixed = [(1 - s) * a + s * b for s, a, b in zip(share, one[60:], other, strict=False)]
    found = numbers(one[:60] + mixed + other[length:])
    assert found[:59] == [0] * 59 and found[-59:] == [1] * 59
    seen = np.flatnonzero((share > 0.1) & (share < 0.9))
    assert all(found[60 + k] is None for k in seen)


def test_black_between_two_fades_belongs_to_no_scene():
    dark = np.linspace(1, 0, 10)
    out = [picture * share for picture, share in zip(shot(A, 10), dark, strict=True)]
    again = [picture * share for picture, share in zip(shot(B, 10), dark[::-1], strict=True)]
    found = numbers(shot(A, 40) + out + [0 * A[:, :160]] * 3 + again + shot(B, 40))
    assert found[:40] == [0] * 40 and found[51] is None and found[-40:] == [1] * 40


def flash(pictures):
    return [p + 110 * (30 <= k < 32) for k, p in enumerate(pictures)]


def caption(pictures):
    return [
        np.vstack([p[:75], p[75:] * 0 + 40 * (np.arange(160) % 7)[:, None]]) if k >= 30 else p
        for k, p in enumerate(pictures)
    ]


def dimmed(pictures):
    return [p * (1 - 0.4 * min(1, max(0, k - 30) / 5)) for k, p in enumerate(pictures)]


@pytest.mark.parametrize(
    "pictures",
    [
        flash(shot(A, 80)),
        caption(shot(A, 80)),
        dimmed(shot(A, 80)),
        shot(A, 80, pan=1.5),
        shot(A, 80, sway=4.0),
        shot(A, 1),
        [0 * A[:, :160] + 90] * 5 + shot(A, 40),
    ],
    ids=["flash", "caption", "light", "pan", "movement", "one picture", "blank at first"],
)
def test_what_is_no_end_of_a_scene(pictures):
    assert {number for number in numbers(pictures) if number is not None} == {0}
