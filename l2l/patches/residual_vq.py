"""The quantizer of vector-quantize-pytorch, imported without torch's compiler.

The package imports einx, which tells torch.compile of its operations, and that loads the whole compiler: 2 CPU-seconds
of each command that has a model. Nothing here is compiled, and what einx is used for is not called.
"""

import torch

_compiler = vars(torch.compiler)
_allow = _compiler["allow_in_graph"]
_compiler["allow_in_graph"] = lambda operation: operation
try:
    from vector_quantize_pytorch import ResidualVQ
finally:
    _compiler["allow_in_graph"] = _allow

__all__ = ["ResidualVQ"]
