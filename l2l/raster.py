"""A small software rasteriser: textured and shaded triangle meshes with a depth buffer, on one CPU core.

- The centre of pixel (column, row) is the point (x, y) = (column, row): a mesh drawn over its texture copies it.
- x points right, y down, z away from the camera; the nearer triangle wins, whatever the order of drawing.
- Colour, depth and texture position are affine over a triangle, so they are stepped along a row: no division per pixel.
- Shading is texturing: brightness at the vertices is the position along a ramp of colours (Gouraud 1971).
"""

from functools import cache

import numpy as np

from l2l.compiled import compiled

# Towards the light: upper left, in front of the picture.
_LIGHT = np.array([-0.3, -0.4, -0.87]) / np.linalg.norm([-0.3, -0.4, -0.87])
_AMBIENT = 0.35
_SHADES = 256
# In barycentric units: rounding must not open a crack along an edge that two triangles share.
_SLACK = 1e-9
# Indices without a sign: one that may be negative costs a comparison each time.
_ONE, _RGB = np.uint64(1), (np.uint64(0), np.uint64(1), np.uint64(2))


@compiled
def _fill_triangles(
    canvas: np.ndarray,
    depth: np.ndarray,
    vertices: np.ndarray,
    texture_points: np.ndarray,
    triangles: np.ndarray,
    texture: np.ndarray,
) -> None:
    height, width = depth.shape
    rows, columns = texture.shape[0], texture.shape[1]
    last_row, last_column = rows - 1.0, columns - 1.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, z0 = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        x1, y1, z1 = vertices[b, 0] - x0, vertices[b, 1] - y0, vertices[b, 2] - z0
        x2, y2, z2 = vertices[c, 0] - x0, vertices[c, 1] - y0, vertices[c, 2] - z0
        area = x1 * y2 - x2 * y1
        if not abs(area) > 1e-9:  # seen edge-on, or not a number
            continue
        left = max(0.0, np.ceil(x0 + min(0.0, x1, x2) - _SLACK))
        right = min(width - 1.0, np.floor(x0 + max(0.0, x1, x2) + _SLACK))
        top = max(0.0, np.ceil(y0 + min(0.0, y1, y2) - _SLACK))
        bottom = min(height - 1.0, np.floor(y0 + max(0.0, y1, y2) + _SLACK))
        if left > right or top > bottom:
            continue
        # Barycentric weights of b and c, their steps along a row and down a column; a has what is left.
        b_dx, b_dy = y2 / area, -x2 / area
        c_dx, c_dy = -y1 / area, x1 / area
        a_dx = -b_dx - c_dx
        b_per_x = 1 / b_dx if b_dx != 0 else 0.0
        c_per_x = 1 / c_dx if c_dx != 0 else 0.0
        a_per_x = 1 / a_dx if a_dx != 0 else 0.0
        u0, v0 = texture_points[a, 0], texture_points[a, 1]
        u1, v1 = texture_points[b, 0] - u0, texture_points[b, 1] - v0
        u2, v2 = texture_points[c, 0] - u0, texture_points[c, 1] - v0
        z_dx = b_dx * z1 + c_dx * z2
        u_dx = b_dx * u1 + c_dx * u2
        v_dx = b_dx * v1 + c_dx * v2
        for y in range(int(top), int(bottom) + 1):
            wb = (left - x0) * b_dx + (y - y0) * b_dy
            wc = (left - x0) * c_dx + (y - y0) * c_dy
            wa = 1 - wb - wc
            # The stretch of this row in which no weight is negative.
            first, last = 0.0, right - left
            for weight, dx, per_x in ((wa, a_dx, a_per_x), (wb, b_dx, b_per_x), (wc, c_dx, c_per_x)):
                if dx > 0:
                    first = max(first, (-_SLACK - weight) * per_x)
                elif dx < 0:
                    last = min(last, (-_SLACK - weight) * per_x)
                elif weight < -_SLACK:
                    last = -1.0  # nowhere
            start = int(np.ceil(first))
            wb += start * b_dx
            wc += start * c_dx
            z = z0 + wb * z1 + wc * z2
            u = u0 + wb * u1 + wc * u2
            v = v0 + wb * v1 + wc * v2
            row = np.uint64(y)
            for x in range(int(left) + start, int(left) + int(np.floor(last)) + 1):
                if z < depth[y, x]:
                    depth[y, x] = z
                    # Where it is in the texture, in 1/256 pixels: whole numbers are quicker than fractions.
                    p = int(min(max(u, 0.0), last_column) * 256 + 0.5)
                    q = int(min(max(v, 0.0), last_row) * 256 + 0.5)
                    i, j = min(p >> 8, columns - 2), min(q >> 8, rows - 2)
                    p -= i << 8
                    q -= j << 8
                    lower_right = p * q
                    upper_right, lower_left = (p << 8) - lower_right, (q << 8) - lower_right
                    upper_left = 65536 - upper_right - lower_left - lower_right
                    column, m, n = np.uint64(x), np.uint64(i), np.uint64(j)
                    for k in _RGB:
                        upper = texture[n, m, k] * upper_left + texture[n, m + _ONE, k] * upper_right
                        lower = texture[n + _ONE, m, k] * lower_left + texture[n + _ONE, m + _ONE, k] * lower_right
                        canvas[row, column, k] = np.uint8((upper + lower + 32768) >> 16)
                z += z_dx
                u += u_dx
                v += v_dx


def draw_textured(
    canvas: np.ndarray,
    depth: np.ndarray,
    vertices: np.ndarray,
    texture_points: np.ndarray,
    triangles: np.ndarray,
    texture: np.ndarray,
) -> None:
    """Draw a textured mesh into `canvas` (H, W, 3) uint8 and `depth` (H, W) float32, both changed in place.

    `vertices` (V, 3) are x, y in pixels and z (smaller is nearer; start `depth` at infinity); `texture_points` (V, 2)
    are pixels of `texture` (h, w, 3) uint8, sampled bilinearly, its border repeated; `triangles` (F, 3) of either
    winding index both. Triangles may reach over the canvas. Raises ValueError when shapes or types do not fit.
    """
    pixels = canvas.dtype == np.uint8 and canvas.shape[2:] == (3,) and canvas.flags.c_contiguous
    _require(pixels, "canvas", canvas, "contiguous (H, W, 3) uint8")
    same = depth.dtype == np.float32 and depth.shape == canvas.shape[:2] and depth.flags.c_contiguous
    _require(same, "depth", depth, f"contiguous {canvas.shape[:2]} float32")
    pixels = texture.dtype == np.uint8 and texture.shape[2:] == (3,) and min(texture.shape[:2]) >= 2
    _require(pixels, "texture", texture, "(h, w, 3) uint8 of at least 2 by 2")
    corners = _corners(vertices, triangles)
    known = texture_points.shape == (len(vertices), 2) and bool(np.isfinite(texture_points).all())
    _require(known, "texture_points", texture_points, f"{(len(vertices), 2)} without NaN or infinity")
    vertices, texture_points = (np.ascontiguousarray(points, np.float64) for points in (vertices, texture_points))
    _fill_triangles(canvas, depth, vertices, texture_points, corners, np.ascontiguousarray(texture))


def draw_shaded(
    canvas: np.ndarray, depth: np.ndarray, vertices: np.ndarray, triangles: np.ndarray, colour: tuple[int, int, int]
) -> None:
    """Draw a mesh in one colour, lit from the upper left (Lambert), smooth across its triangles.

    As `draw_textured`; `colour` is RGB 0..255 in full light. Both sides of the mesh are lit alike.
    """
    normals = _normals(np.ascontiguousarray(vertices, np.float64), _corners(vertices, triangles))
    facing = np.where(normals[:, 2:] > 0, -normals, normals)
    brightness = _AMBIENT + (1 - _AMBIENT) * np.clip(facing @ _LIGHT, 0, 1)  # (V,)
    along = np.zeros((len(vertices), 2))
    along[:, 0] = brightness * (_SHADES - 1)
    draw_textured(canvas, depth, vertices, along, triangles, _ramp(colour))


@cache
def _ramp(colour: tuple[int, int, int]) -> np.ndarray:
    """(2, 256, 3) a colour from black to full light."""
    ramp = np.linspace(0, 1, _SHADES)[:, None] * np.asarray(colour, np.float64)  # (256, 3)
    return np.repeat(np.round(ramp).astype(np.uint8)[None], 2, 0)


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3) float64 of `vertices` (V, 3): the mean of the triangles around each, weighted by area.

    A vertex without triangles gets zeros. The triangles must be wound consistently. Loads no numba.
    """
    corners = _corners(vertices, triangles)
    a, b, c = np.asarray(vertices, np.float64)[corners].swapaxes(0, 1)  # (F, 3) each
    p, q = b - a, c - a
    summed = [
        np.bincount(corners.ravel(), (p[:, i] * q[:, j] - p[:, j] * q[:, i]).repeat(3), len(vertices))
        for i, j in ((1, 2), (2, 0), (0, 1))  # as long as twice the triangle's area
    ]
    normals = np.stack(summed, 1)
    return normals / np.maximum(np.sqrt(np.square(normals).sum(1, keepdims=True)), 1e-12)


@compiled
def _normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """`vertex_normals` to the last bit, in a tenth of its time: drawing needs them for each picture."""
    normals = np.zeros((len(vertices), 3))
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, z0 = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        x1, y1, z1 = vertices[b, 0] - x0, vertices[b, 1] - y0, vertices[b, 2] - z0
        x2, y2, z2 = vertices[c, 0] - x0, vertices[c, 1] - y0, vertices[c, 2] - z0
        # As long as twice the triangle's area.
        x, y, z = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
        for corner in (a, b, c):
            normals[corner, 0] += x
            normals[corner, 1] += y
            normals[corner, 2] += z
    for v in range(len(vertices)):
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-12)
        for k in range(3):
            normals[v, k] /= length
    return normals


def _corners(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The triangles as the compiled code takes them."""
    _require(vertices.shape[1:] == (3,), "vertices", vertices, "(V, 3)")
    _require(triangles.shape[1:] == (3,), "triangles", triangles, "(F, 3)")
    inside = not len(triangles) or (triangles.min() >= 0 and triangles.max() < len(vertices))
    _require(inside, "triangles", triangles, f"no vertex outside 0..{len(vertices) - 1}")
    return np.ascontiguousarray(triangles, np.int32)


def _require(fits: bool, name: str, array: np.ndarray, expected: str) -> None:
    """The compiled code checks nothing: what does not fit would be read or written anywhere in memory."""
    if not fits:
        raise ValueError(f"{name} {array.shape} {array.dtype}, expected {expected}")
