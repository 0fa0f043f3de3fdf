"""Normalisations over several channels that lost some of them to thinning.

GroupNorm and LayerNorm take a mean and a variance over channels, so a channel of zeros counts even
where nothing reads it. What is left after thinning remembers how many zeros there were, and
computes what it did. `arch.json` keeps that:

{"norm1": {"width": 4, "groups": [0, 0, 1]}, "norm2": {"width": 8, "channels": 5}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcc.errors import ModelError, nearest
from vcc.models.architecture import Section, register_section


class ThinnedGroupNorm(nn.Module):
    """A GroupNorm some of whose channels left, each of them all zero.

    Args:
        weight: of the channels that are left.
        bias: of the same.
        width: channels of each group before any left.
        groups: the group of each channel that is left, ascending.
        eps: added to the variance.
    """

    def __init__(
        self,
        weight: nn.Parameter,
        bias: nn.Parameter | None,
        *,
        width: int,
        groups: Sequence[int],
        eps: float,
    ) -> None:
        super().__init__()
        self.width, self.groups, self.eps = width, tuple(groups), eps
        self.weight, self.bias = weight, bias

    @property
    def n_out(self) -> int:
        """How many channels are left."""
        return len(self.groups)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,...] normalised; zeros that left are mean**2 away from the mean."""
        groups = torch.tensor(self.groups, device=x.device)
        members = F.one_hot(groups, self.groups[-1] + 1).to(x.dtype)
        share = members / self.width
        ones = [1] * (x.dim() - 2)
        mean = x.reshape(*x.shape[:2], -1).mean(2) @ share
        centred = x - (mean @ members.T).view(*x.shape[:2], *ones)
        variance = centred.square().reshape(*x.shape[:2], -1).mean(2) @ share
        variance = variance + (1 - share.sum(0)) * mean.square()
        factor = (variance @ members.T + self.eps).rsqrt() * self.weight
        y = centred * factor.view(*x.shape[:2], *ones)
        return y if self.bias is None else y + self.bias.view(-1, *ones)

    def extra_repr(self) -> str:
        """Return what `print(model)` shows."""
        return f"{self.n_out}, width={self.width}"


class ThinnedLayerNorm(nn.Module):
    """A LayerNorm over the last dimension some of whose channels left, each of them all zero.

    Args:
        weight: of the channels that are left.
        bias: of the same.
        width: channels before any left.
        eps: added to the variance.
    """

    def __init__(
        self, weight: nn.Parameter, bias: nn.Parameter | None, *, width: int, eps: float
    ) -> None:
        super().__init__()
        self.width, self.eps = width, eps
        self.weight, self.bias = weight, bias

    @property
    def n_out(self) -> int:
        """How many channels are left."""
        return len(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return [...,C] normalised; zeros that left are mean**2 away from the mean."""
        share = self.n_out / self.width
        mean = x.mean(-1, keepdim=True) * share
        variance = (x - mean).square().mean(-1, keepdim=True) * share
        variance = variance + (1 - share) * mean.square()
        y = (x - mean) * (variance + self.eps).rsqrt() * self.weight
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """Return what `print(model)` shows."""
        return f"{self.n_out}, width={self.width}"


THINNED_NORMS = (ThinnedGroupNorm, ThinnedLayerNorm)
# What takes a mean over channels: a channel of its input that is not zero is missed.
NORMS_OVER_CHANNELS = (nn.GroupNorm, nn.LayerNorm, *THINNED_NORMS)


def channel_dim(module: nn.Module) -> int | None:
    """Return which dimension of a norm's input are channels; None: no norm over channels only."""
    if isinstance(module, nn.GroupNorm | ThinnedGroupNorm):
        return 1
    if isinstance(module, ThinnedLayerNorm):
        return -1
    return -1 if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1 else None


def thinned_norm(norm: nn.Module, kept: Tensor) -> nn.Module:
    """Return what is left of a norm over channels.

    Args:
        norm: one of `NORMS_OVER_CHANNELS`, whose weight and bias are those of `kept` already.
        kept: the channels that are left, ascending.
    """
    tensors = (norm.weight, norm.bias)
    if isinstance(norm, nn.LayerNorm):
        return ThinnedLayerNorm(*tensors, width=norm.normalized_shape[0], eps=norm.eps)  # type: ignore[arg-type]
    if isinstance(norm, ThinnedLayerNorm):
        return ThinnedLayerNorm(*tensors, width=norm.width, eps=norm.eps)  # type: ignore[arg-type]
    if isinstance(norm, ThinnedGroupNorm):
        width, groups = norm.width, [norm.groups[channel] for channel in kept.tolist()]
    else:
        width = int(norm.num_channels) // int(norm.num_groups)  # type: ignore[arg-type]
        groups = (kept // width).tolist()
    return ThinnedGroupNorm(*tensors, width=width, groups=groups, eps=norm.eps)  # type: ignore[arg-type]


def read_norms(model: nn.Module) -> dict[str, Any] | None:
    """Return norm name -> its width and its channels, None where none was thinned."""
    found: dict[str, Any] = {}
    for name, module in model.named_modules():
        if isinstance(module, ThinnedGroupNorm):
            found[name] = {"width": module.width, "groups": list(module.groups)}
        elif isinstance(module, ThinnedLayerNorm):
            found[name] = {"width": module.width, "channels": module.n_out}
    return found or None


def apply_norms(model: nn.Module, norms: Mapping[str, Any]) -> None:
    """Give norms the channels that they are recorded with, their weights yet to be loaded.

    Raises:
        ModelError: the record names a norm that is not there or cannot be so.
    """
    modules = dict(model.named_modules())
    for name, record in norms.items():
        norm = modules.get(name)
        if not isinstance(norm, nn.GroupNorm | nn.LayerNorm) or channel_dim(norm) is None:
            msg = f"the thinned norm {name!r} is not in the network: {nearest(name, modules)}"
            raise ModelError(msg)
        try:
            model.set_submodule(name, _recorded(norm, record))
        except (KeyError, TypeError, ValueError) as error:
            msg = f"the thinned norm {name!r}: {error}"
            raise ModelError(msg) from error


def _recorded(norm: nn.GroupNorm | nn.LayerNorm, record: Mapping[str, Any]) -> nn.Module:
    is_group = isinstance(norm, nn.GroupNorm)
    numbers = [int(group) for group in record["groups"]] if is_group else []
    n_channels = len(numbers) if is_group else int(record["channels"])
    if n_channels < 1 or numbers != sorted(numbers) or min(numbers, default=0) < 0:
        msg = f"{record} is no record of channels that are left"
        raise ValueError(msg)
    weight = nn.Parameter(torch.empty(n_channels, device=norm.weight.device))
    bias = None if norm.bias is None else nn.Parameter(torch.empty_like(weight))
    if is_group:
        return ThinnedGroupNorm(
            weight, bias, width=int(record["width"]), groups=numbers, eps=norm.eps
        )
    return ThinnedLayerNorm(weight, bias, width=int(record["width"]), eps=norm.eps)


register_section(Section("norms", read_norms, apply_norms))
