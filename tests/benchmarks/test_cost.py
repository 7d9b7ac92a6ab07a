"""How a cost grows."""

import pytest

from benchmarks.cost import exponent


def test_the_exponent_is_that_of_a_power() -> None:
    sizes = [1.0, 3.0, 10.0, 30.0]
    assert exponent(sizes, [5 * size**0.8 for size in sizes]) == pytest.approx(0.8)
