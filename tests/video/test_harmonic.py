"""What is known at a few landmarks goes over the whole face mesh without a jump."""

import numpy as np

from l2l.video import mesh
from l2l.video.harmonic import spread


def test_known_values_stay_and_all_others_are_the_mean_of_their_neighbours() -> None:
    known = dict.fromkeys(mesh.FACE_OVAL, np.zeros(2)) | {mesh.NOSE[0]: np.array([1.0, -2.0])}
    found = spread(known)
    assert found.shape == (mesh.LANDMARKS, 2)
    for point, value in known.items():
        np.testing.assert_array_equal(found[point], value)
    neighbours: dict[int, set[int]] = {}
    for triangle in mesh.triangles().tolist():
        for point in triangle:
            neighbours.setdefault(point, set()).update(set(triangle) - {point})
    for point in set(range(mesh.LANDMARKS)) & set(neighbours) - set(known):
        np.testing.assert_allclose(found[point], found[sorted(neighbours[point])].mean(0), atol=1e-9)
