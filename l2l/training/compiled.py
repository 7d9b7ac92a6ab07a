"""Functions that torch's compiler makes faster on a GPU, where it can."""

import logging
from collections.abc import Callable
from typing import Any

import torch

log = logging.getLogger(__name__)

VARIANTS = 64  # of one function, for sizes, masks, training and validation; torch's limit is 8


class Compiled:
    """A function, compiled when it is first called; where that fails, as it is, and one line says so."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._plain, self._fast = function, torch.compile(function)
        torch._dynamo.config.recompile_limit = VARIANTS

    def __call__(self, *inputs: Any) -> Any:
        try:
            return self._fast(*inputs)
        except Exception as error:  # of one of the compilers; the function's own comes again
            found = self._plain(*inputs)
            log.info("layers are not compiled (%s); training is slower", str(error).strip().splitlines()[0])
            self._fast = self._plain
            return found
