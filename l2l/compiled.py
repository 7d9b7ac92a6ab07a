"""Loops over single numbers, compiled by numba."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any


def compiled(function: Callable[..., Any]) -> Any:
    """The function compiled, and kept compiled between runs where there is a folder to keep it in.

    numba is loaded when the function is first called, which takes half a second: many who import this never call it.
    """

    @cache
    def made() -> Any:
        import numba

        try:
            return numba.njit(cache=True, nogil=True)(function)
        except RuntimeError:  # neither the package's folder nor the user's cache can be written
            return numba.njit(nogil=True)(function)

    @wraps(function)
    def call(*arguments: Any) -> Any:
        return made()(*arguments)

    return call
