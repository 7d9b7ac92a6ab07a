"""How exactly a training multiplies matrices: in float32, TF32 or bfloat16.

- Weights, optimizer, quantizers, losses and validation stay in float32, so losses of all three can be compared.
- `tf32` is a way of NVIDIA's GPUs since Ampere; elsewhere it changes nothing. `float32` is exact also in convolutions,
  where torch takes TF32 by itself.
- `bf16` is torch's autocast. Where a device multiplies bfloat16 no faster, training stays in float32 and says so.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from l2l.config.section import Precision

log = logging.getLogger(__name__)


def available(precision: Precision, device: torch.device) -> Precision:
    """`precision`; float32, and a line in the log, for bf16 on a device that has none."""
    if precision != "bf16" or _has_bfloat16(device):
        return precision
    what = "GPU" if device.type == "cuda" else "processor"
    log.warning("training.precision is bf16, but this %s cannot multiply bfloat16: trained in float32", what)
    return "float32"


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


@contextlib.contextmanager
def multiplying(precision: Precision) -> Iterator[None]:
    """Inside, float32 matrices are multiplied in TF32, or exactly; gradients, too."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def casting(model: Callable[..., Any], precision: Precision, device: torch.device) -> Callable[..., Any]:
    """The model, its layers in `precision`; what comes out is float32, for losses need it."""
    if precision != "bf16":
        return model

    def called(*inputs: Any) -> Any:
        with torch.autocast(device.type, torch.bfloat16):
            found = model(*inputs)
        return tuple(map(_exact, found)) if isinstance(found, tuple) else _exact(found)

    return called


def _exact(found: Tensor) -> Tensor:
    return found.float() if found.is_floating_point() else found


def exactly(device: torch.device) -> torch.autocast:
    """Inside, nothing is cast to bfloat16; what comes from outside may have been."""
    return torch.autocast(device.type, enabled=False)


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, scale: float | None = None) -> Tensor:
    """Attention (B, H, T, D), as torch has it. On a processor in float32: its gradients are four times slower in
    bfloat16."""
    if q.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    with exactly(q.device):
        return F.scaled_dot_product_attention(q.float(), k.float(), v.float(), attn_mask=mask, scale=scale)
