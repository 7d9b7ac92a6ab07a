"""The harmonic function on the face mesh: what is known at a few landmarks, spread smoothly over all of them."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import spsolve

from l2l.video import mesh


def spread(values: dict[int, np.ndarray]) -> np.ndarray:
    """(468, d): `values` (d,) where given, and elsewhere the mean of the neighbours on the face mesh."""
    triangles = mesh.triangles()
    a, b = triangles.ravel(), np.roll(triangles, 1, axis=1).ravel()  # each triangle's edges
    links = coo_matrix((np.ones(len(a)), (a, b)), (mesh.LANDMARKS, mesh.LANDMARKS)).tocsr()
    graph = laplacian(((links + links.T) > 0).astype(float)).tocsr()
    fixed = np.array(sorted(values))
    free = np.setdiff1d(np.arange(mesh.LANDMARKS), fixed)
    given = np.stack([values[i] for i in fixed])  # (n, d)
    spread = np.zeros((mesh.LANDMARKS, given.shape[1]))
    spread[fixed] = given
    spread[free] = spsolve(graph[free][:, free].tocsc(), -(graph[free][:, fixed] @ given)).reshape(len(free), -1)
    return spread
