"""DECA's detail: a face's wrinkles as displacements on its UV map, and pictures of the face with and without them.

For looking at published data and at faces of backend deca (columns 56 to 183 of a face are its detail). Needs DECA's
checkpoint, FLAME and `l2l weights import-deca-data`; nothing else of l2l needs it. Feng et al. 2021, sections 4 and 5.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l2l.faces.deca_nets import CROP, MODEL, DetailDecoder, part
from l2l.faces.flame import Flame, Head, normals, on_triangles, project
from l2l.raster import nearest_triangles
from l2l.weights import catalogue as weights
from l2l.weights.deca_data import MAP, DecaData, load_deca_data
from l2l.weights.state_dicts import load_into, read_torch

_LIGHTS = F.normalize(torch.tensor([[-1.0, 1, 1], [1, 1, 1], [-1, -1, 1], [1, -1, 1], [0, 0, 1]]), dim=1)
_GREY, _BRIGHT = 180 / 255, 1.7
_AWAY = 0.15  # depth of a unit normal beyond which a surface counts as turned away


@dataclass(frozen=True)
class Surface:
    """The detailed surface of N faces, as maps over UV."""

    relief: Tensor  # (N, 1, 256, 256) metres along the normal, as the network gives it
    displacement: Tensor  # (N, 1, 256, 256) metres: relief and what every face has
    normals: Tensor  # (N, 3, 256, 256) of the displaced surface, unit; 0 outside the face


class Detail:
    """Everything that turns codes into detailed surfaces and pictures."""

    def __init__(self, flame: Flame, data: DecaData, decoder: DetailDecoder) -> None:
        self.flame, self.data, self._decoder = flame, data, decoder
        # On the map u goes to the right, v up.
        self._corners = (data.uv * 2 - 1) * torch.tensor([1.0, -1.0])  # (5118, 2)
        flat = torch.cat([self._corners, torch.ones(len(data.uv), 1)], 1)
        self._pixels = _Pixels.of(flat, data.uv_triangles, MAP)

    def surface(self, head: Head, expression: Tensor, jaw: Tensor, detail: Tensor) -> Surface:
        """Heads with expression (N, 50), jaw (N, 3) and detail (N, 128)."""
        relief = self._decoder(jaw, expression, detail)
        bump = relief * self.data.face_mask + self.data.displacement  # (N, 1, 256, 256)
        places = self.on_map(head.vertices)
        outward = self.on_map(normals(head.vertices, self.flame.triangles))
        points = (places + bump * outward).flatten(2).transpose(1, 2)  # (N, 65536, 3)
        bent = normals(points, _GRID).transpose(1, 2).reshape(-1, 3, MAP, MAP)
        return Surface(relief, relief + self.data.displacement, bent)

    def on_map(self, values: Tensor) -> Tensor:
        """Values (N, 5023, C) of the vertices -> (N, C, 256, 256) over the UV map; 0 where the map shows nothing."""
        return self._pixels.show(values, self.flame.triangles)

    def texture(self, head: Head, camera: Tensor, crops: Tensor) -> Tensor:
        """(N, 3, 256, 256): what the crops (N, 3, 224, 224) show of each face, grey where the mask is 0."""
        seen = project(self.on_map(head.vertices).flatten(2).transpose(1, 2), camera)[..., :2]
        texture = F.grid_sample(crops, seen.reshape(-1, MAP, MAP, 2), align_corners=False)
        return texture * self.data.face_mask + 0.7 * (1 - self.data.face_mask)

    def picture(self, head: Head, camera: Tensor, bent: Tensor | None = None) -> Tensor:
        """(N, 3, 224, 224) grey pictures under five lights, black where there is no face; `bent`: Surface.normals."""
        triangles = self.flame.triangles
        projected = project(head.vertices, camera)
        outward, facing = normals(head.vertices, triangles), normals(projected, triangles)
        pictures = []
        for number in range(len(projected)):
            pixels = _Pixels.of(projected[number], triangles, CROP)
            shown = pixels.show(outward[number : number + 1], triangles)  # (1, 3, 224, 224)
            if bent is not None:
                grid = pixels.show(self._corners[None], self.data.uv_triangles).permute(0, 2, 3, 1)  # (1, 224, 224, 2)
                shown = F.grid_sample(bent[number : number + 1], grid, align_corners=False) * pixels.covered
            light = torch.einsum("nchw,lc->nlhw", shown, _LIGHTS).clamp(min=0).mean(1, keepdim=True)
            away = pixels.show(facing[number : number + 1], triangles)[:, 2:] >= _AWAY
            pictures.append((_GREY * _BRIGHT * light * pixels.covered * ~away).expand(-1, 3, -1, -1))
        return torch.cat(pictures)

    def visible(self, head: Head, camera: Tensor) -> Tensor:
        """(N, 68) whether each landmark of the face is turned towards the camera."""
        facing = normals(project(head.vertices, camera), self.flame.triangles)
        return self.data.landmarks.on_face(facing, self.flame.triangles)[..., 2] < 0.1


def load_detail() -> Detail:
    """With the published weights. Raises UserError that says which file is missing and how to get it."""
    path, decoder = weights.find(*MODEL), DetailDecoder()
    load_into(decoder, part(read_torch(path), "D_detail", path), path)
    return Detail(Flame(), load_deca_data(), decoder)


def shade(outward: Tensor, light: Tensor) -> Tensor:
    """Normals (N, 3, H, W) under spherical harmonics (N, 9, 3: coefficient, RGB) -> brightness (N, 3, H, W)."""
    x, y, z = outward.unbind(1)
    basis = torch.stack([torch.ones_like(x), x, y, z, x * y, x * z, y * z, x**2 - y**2, 3 * z**2 - 1], 1)
    return torch.einsum("nkhw,nkc->nchw", basis * _HARMONICS[:, None, None], light)


def _harmonics() -> Tensor:
    """The factors of the nine functions, each with that of a cosine lobe (Ramamoorthi and Hanrahan 2001)."""
    pi = np.pi
    first = 2 * pi / 3 * np.sqrt(3 / (4 * pi))
    second = pi / 4 * 3 * np.sqrt(5 / (12 * pi))
    last = pi / 4 / 2 * np.sqrt(5 / (4 * pi))
    return torch.tensor([1 / np.sqrt(4 * pi), *[first] * 3, *[second] * 3, second / 2, last], dtype=torch.float32)


def _grid() -> Tensor:
    """Triangles (n, 3) of the dense mesh: pixels of the map, without its rim."""
    x, y = np.meshgrid(np.arange(2, 253), np.arange(5, 250))
    corner = (y * MAP + x).ravel()
    upper = np.stack([corner, corner + MAP, corner + 1], 1)
    lower = np.stack([corner + 1, corner + MAP, corner + MAP + 1], 1)
    return torch.from_numpy(np.concatenate([upper, lower]))


_HARMONICS, _GRID = _harmonics(), _grid()


@dataclass(frozen=True)
class _Pixels:
    """What a square picture shows of a mesh."""

    faces: Tensor  # (S, S) triangle, 0 where there is none
    shares: Tensor  # (S, S, 3) of its corners
    covered: Tensor  # (S, S) bool

    @classmethod
    def of(cls, vertices: Tensor, triangles: Tensor, size: int) -> "_Pixels":
        """Vertices (V, 3): x, y in -1..1 over the picture, depth away from the camera."""
        placed = vertices.detach().numpy().astype(np.float64)
        placed[:, :2] = ((placed[:, :2] + 1) * size - 1) / 2  # pixel j is centred at -1 + (2 j + 1) / size
        nearest, shares = nearest_triangles(placed, triangles.numpy(), size)
        faces = torch.from_numpy(nearest)
        return cls(faces.clamp(min=0), torch.from_numpy(shares).float(), faces >= 0)

    def show(self, values: Tensor, triangles: Tensor) -> Tensor:
        """Values (N, V, C) of the vertices -> (N, C, S, S); 0 where nothing is shown."""
        count, size = len(values), len(self.faces)
        faces, shares = self.faces.reshape(1, -1), self.shares.reshape(1, -1, 3)
        shown = on_triangles(values, triangles, faces.expand(count, -1), shares.expand(count, -1, -1))
        return shown.transpose(1, 2).reshape(count, -1, size, size) * self.covered
