"""BatchNorm over the batch of all processes, so that a batch means the same however it is split.

- torch's SyncBatchNorm does this on GPUs only; this one does it wherever torch.distributed works, so that it can be
  tested without a GPU. Same weights, same names, same numbers as `nn.BatchNorm1d` on the whole batch, up to rounding.
- Parameters are taken over, not copied: an optimizer made before goes on with them.
"""

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; every process's gradient reaches every other."""

    @staticmethod
    def forward(context, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


class GlobalBatchNorm(nn.BatchNorm1d):
    """`nn.BatchNorm1d` of (B, C, T) whose statistics while training are those of all processes' rows."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        local = torch.full((1,), x.shape[0] * x.shape[2], dtype=x.dtype, device=x.device)
        count, total = _Sum.apply(torch.cat([local, x.sum((0, 2))])).split([1, self.num_features])  # (1,), (C,)
        mean = total / count
        centred = x - mean[:, None]
        variance = _Sum.apply(centred.square().sum((0, 2))) / count  # (C,)
        self._remember(mean.detach(), variance.detach(), count.detach())
        normal = centred * (variance + self.eps).rsqrt()[:, None]
        return normal * self.weight[:, None] + self.bias[:, None] if self.affine else normal

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """What BatchNorm1d keeps for validation: running mean and unbiased variance."""
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * count / (count - 1), self.momentum)


def make_global(model: nn.Module) -> None:
    """Replace every BatchNorm1d inside `model`, in place."""
    for name, child in model.named_children():
        if type(child) is nn.BatchNorm1d:
            norm = GlobalBatchNorm(child.num_features, child.eps, child.momentum, child.affine)
            norm.weight, norm.bias = child.weight, child.bias
            norm.running_mean, norm.running_var = child.running_mean, child.running_var
            norm.num_batches_tracked = child.num_batches_tracked
            setattr(model, name, norm.train(child.training))
        else:
            make_global(child)
