"""The rasteriser, against pictures whose every pixel is known."""

from typing import Any

import numba
import numpy as np
import pytest

from l2l import raster

GREY = np.full((2, 2, 3), 128, np.uint8)


def test_it_still_compiles_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    real = numba.njit

    def refusing(*args: Any, **options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*args, **options)

    monkeypatch.setattr(numba, "njit", refusing)
    assert raster.compiled(lambda x: x + 1)(1) == 2


def _canvas(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((height, width, 3), np.uint8), np.full((height, width), np.inf, np.float32)


def _grid(random: np.random.Generator, cells: int, side: float) -> tuple[np.ndarray, np.ndarray]:
    """A square of `side` pixels cut into triangles by a net whose inner knots are shaken."""
    steps = np.linspace(0, side, cells + 1)
    x, y = np.meshgrid(steps, steps)
    inner = np.s_[1:-1, 1:-1]
    for axis in (x, y):
        axis[inner] += random.uniform(-0.3, 0.3, axis[inner].shape) * side / cells
    numbers = np.arange((cells + 1) ** 2).reshape(cells + 1, -1)
    a, b, c, d = numbers[:-1, :-1], numbers[:-1, 1:], numbers[1:, :-1], numbers[1:, 1:]
    corners = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], 1), corners


def test_a_mesh_drawn_where_its_texture_lies_copies_the_texture() -> None:
    random = np.random.default_rng(0)
    texture = random.integers(0, 256, (41, 41, 3), dtype=np.uint8)
    vertices, triangles = _grid(random, 4, 40)
    canvas, depth = _canvas(41, 41)
    raster.draw_textured(canvas, depth, vertices, vertices[:, :2], triangles, texture)
    np.testing.assert_array_equal(canvas, texture)


def test_a_triangle_covers_exactly_the_pixels_inside_it() -> None:
    random = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(30), np.arange(20))
    for _ in range(50):
        corners = random.uniform(-8, 35, (3, 2))
        canvas, depth = _canvas(20, 30)
        vertices = np.c_[corners, np.zeros(3)]
        raster.draw_textured(canvas, depth, vertices, np.zeros((3, 2)), np.array([[0, 1, 2]]), GREY)
        sides = [
            (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
            for p, q in zip(corners, np.roll(corners, -1, 0), strict=True)
        ]
        inside = np.all([s >= 0 for s in sides], 0) | np.all([s <= 0 for s in sides], 0)
        np.testing.assert_array_equal(canvas[..., 0] == 128, inside)


def test_colour_and_depth_change_linearly_over_a_triangle() -> None:
    texture = np.zeros((2, 101, 3), np.uint8)
    texture[..., 0] = 2 * np.arange(101)
    vertices = np.array([[0, 0, 5], [50, 0, 15], [0, 50, 25]], float)
    along = np.array([[0, 0], [100, 0], [0, 0]], float)
    canvas, depth = _canvas(51, 51)
    raster.draw_textured(canvas, depth, vertices, along, np.array([[0, 1, 2]]), texture)
    y, x = np.nonzero(np.isfinite(depth))
    assert len(x) == 51 * 52 / 2
    np.testing.assert_allclose(depth[y, x], 5 + 10 * x / 50 + 20 * y / 50, rtol=1e-6)
    np.testing.assert_array_equal(canvas[y, x, 0], 4 * x)


def test_texture_between_pixels_is_bilinear() -> None:
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[..., 0] = [[0, 100], [50, 250]]
    canvas, depth = _canvas(1, 1)
    vertices = np.array([[-1, -1, 0], [3, -1, 0], [-1, 3, 0]], float)
    at = np.tile([[0.25, 0.5]], (3, 1))
    raster.draw_textured(canvas, depth, vertices, at, np.array([[0, 1, 2]]), texture)
    expected = 0.5 * (0.75 * 0 + 0.25 * 100) + 0.5 * (0.75 * 50 + 0.25 * 250)
    assert canvas[0, 0, 0] == np.floor(expected + 0.5)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearer_triangle_wins_in_any_order(order: list[int]) -> None:
    corners = np.array([[0, 0], [9, 0], [0, 9]], float)
    colours = {0: np.full((2, 2, 3), 10, np.uint8), 1: np.full((2, 2, 3), 200, np.uint8)}
    canvas, depth = _canvas(10, 10)
    for which in order:
        vertices = np.c_[corners, np.full(3, [4.0, 3.0][which])]
        raster.draw_textured(canvas, depth, vertices, np.zeros((3, 2)), np.array([[0, 1, 2]]), colours[which])
    assert canvas[2, 2, 0] == 200
    assert depth[2, 2] == 3


def test_what_reaches_over_the_border_is_cut_off_and_nothing_else_changes() -> None:
    random = np.random.default_rng(2)
    texture = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    vertices, triangles = _grid(random, 5, 63)
    vertices[:, 2] = random.uniform(0, 1, len(vertices))
    large, large_depth = _canvas(64, 64)
    raster.draw_textured(large, large_depth, vertices, vertices[:, :2], triangles, texture)
    small, small_depth = _canvas(20, 30)
    raster.draw_textured(small, small_depth, vertices - [17, 23, 0], vertices[:, :2], triangles, texture)
    np.testing.assert_array_equal(small, large[23:43, 17:47])
    np.testing.assert_allclose(small_depth, large_depth[23:43, 17:47], atol=1e-6)


def test_shared_edges_leave_no_crack() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        vertices, triangles = _grid(random, 12, 59)
        angle = random.uniform(0, np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        canvas, depth = _canvas(30, 30)
        # Turned about its middle and moved so that it covers the whole canvas.
        raster.draw_textured(
            canvas, depth, (vertices - [29.5, 29.5, 0]) @ turn.T + [14.5, 14.5, 0], vertices[:, :2], triangles, GREY
        )
        assert np.isfinite(depth).all()


def test_texture_outside_its_border_is_repeated() -> None:
    texture = np.zeros((3, 3, 3), np.uint8)
    texture[:, 2] = 90
    canvas, depth = _canvas(4, 4)
    vertices = np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0]], float)
    raster.draw_textured(canvas, depth, vertices, np.full((3, 2), 50.0), np.array([[0, 1, 2]]), texture)
    assert (canvas[:3, :3] == 90).all()


def test_edge_on_and_not_a_number_triangles_draw_nothing() -> None:
    canvas, depth = _canvas(10, 10)
    line = np.array([[0, 0, 0], [5, 5, 0], [9, 9, 0]], float)
    broken = np.array([[0, 0, 0], [np.nan, 5, 0], [9, 9, 0]], float)
    for vertices in (line, broken):
        raster.draw_textured(canvas, depth, vertices, np.zeros((3, 2)), np.array([[0, 1, 2]]), GREY)
    assert not canvas.any()


def _ball(radius: float = 40, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    down, around = np.meshgrid(np.linspace(0.02, np.pi - 0.02, count), np.linspace(0, 2 * np.pi, count), indexing="ij")
    points = np.stack([np.sin(down) * np.cos(around), -np.cos(down), np.sin(down) * np.sin(around)], -1)
    n = np.arange(count * count).reshape(count, count)
    a, b, c, d = n[:-1, :-1], n[:-1, 1:], n[1:, :-1], n[1:, 1:]
    corners = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return radius * points.reshape(-1, 3), corners


def test_normals_of_a_ball_point_along_its_radius() -> None:
    vertices, triangles = _ball()
    normals = raster.vertex_normals(vertices, triangles)
    cosine = np.abs((normals * vertices / 40).sum(1))
    assert cosine.min() > 0.99


def test_normals_are_the_same_with_and_without_a_compiler() -> None:
    random = np.random.default_rng(0)
    vertices, triangles = random.standard_normal((50, 3)), random.integers(0, 40, (90, 3)).astype(np.int32)
    normals = raster.vertex_normals(vertices, triangles)
    assert (normals == raster._normals(vertices, triangles)).all()
    assert not normals[40:].any()


def test_a_ball_is_lit_from_the_upper_left_and_smooth() -> None:
    vertices, triangles = _ball()
    canvas, depth = _canvas(101, 101)
    raster.draw_shaded(canvas, depth, vertices + [50, 50, 0], triangles, (200, 100, 50))
    assert canvas[30, 35, 0] > canvas[50, 50, 0] > canvas[70, 68, 0] > 0
    assert canvas[0, 0].tolist() == [0, 0, 0]
    lit = canvas[30, 35].astype(float)
    np.testing.assert_allclose(lit / lit[0], [1, 0.5, 0.25], atol=0.02)
    row = canvas[50, 15:86, 0].astype(int)
    assert np.abs(np.diff(row)).max() < 12


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"canvas": np.zeros((4, 4, 3))}, "canvas"),
        ({"depth": np.zeros((4, 5), np.float32)}, "depth"),
        ({"vertices": np.zeros((3, 2))}, "vertices"),
        ({"texture_points": np.zeros((2, 2))}, "texture_points"),
        ({"texture_points": np.full((3, 2), np.nan)}, "NaN"),
        ({"triangles": np.array([[0, 1, 3]])}, "outside"),
        ({"triangles": np.array([[0, 1, -1]])}, "outside"),
        ({"texture": np.zeros((1, 4, 3), np.uint8)}, "texture"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(change: dict[str, np.ndarray], words: str) -> None:
    canvas, depth = _canvas(4, 4)
    fine = {
        "canvas": canvas,
        "depth": depth,
        "vertices": np.zeros((3, 3)),
        "texture_points": np.zeros((3, 2)),
        "triangles": np.array([[0, 1, 2]]),
        "texture": GREY,
    }
    with pytest.raises(ValueError, match=words):
        raster.draw_textured(**(fine | change))
