"""The layers of transformers, compiled by torch for a GPU (`training.compile`).

At 1,024 windows a step of the codebook takes 45 ms instead of 63, at 32 it takes 5.8 instead of 7.2 (docs/speed.md).
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from l2l.windows.layers import Transformer, layer

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


def compile_layers(model: nn.Module) -> None:
    """Let torch's compiler make one kernel of what it can, in each layer of the transformers of `model`.

    One layer is compiled for all that are like it. Takes effect, and 10 to 15 seconds, when the model is first used.
    """
    fast = Compiled(layer)
    for module in model.modules():
        if isinstance(module, Transformer):
            module.layer = fast
