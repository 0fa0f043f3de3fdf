"""How sparse a network is: per weight tensor and in all, by element, by filter and by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class SparsityRow:
    """One weight tensor of two dimensions or more.

    Args:
        name: parameter name.
        shape: its sizes.
        numel: how many elements.
        zeros: how many of them are zero.
        sparsity: zeros / numel, 0..1.
        filters: output filters (rows of a linear weight).
        zero_filters: of those, how many are zero throughout.
        channel_sparsity: share of input channels that are zero throughout, 0..1.
    """

    name: str
    shape: tuple[int, ...]
    numel: int
    zeros: int
    sparsity: float
    filters: int
    zero_filters: int
    channel_sparsity: float

    @property
    def filter_sparsity(self) -> float:
        """Share of output filters that are zero throughout, 0..1."""
        return self.zero_filters / self.filters


def sparsity_table(model: nn.Module) -> list[SparsityRow]:
    """Return one row per convolution or linear weight, in the network's order."""
    return [
        _row(name, parameter.detach())
        for name, parameter in model.named_parameters()
        if parameter.dim() >= 2
    ]


def _row(name: str, weight: Tensor) -> SparsityRow:
    zero = weight == 0
    zeros = int(zero.sum())
    dead_channels = zero.transpose(0, 1).flatten(1).all(dim=1)
    return SparsityRow(
        name=name,
        shape=tuple(weight.shape),
        numel=weight.numel(),
        zeros=zeros,
        sparsity=zeros / weight.numel(),
        filters=weight.shape[0],
        zero_filters=int(zero.flatten(1).all(dim=1).sum()),
        channel_sparsity=int(dead_channels.sum()) / len(dead_channels),
    )


def share_of_zeros(rows: Sequence[SparsityRow]) -> float:
    """Return the share of zeros over all rows' weights, 0..1."""
    numel = sum(row.numel for row in rows)
    return sum(row.zeros for row in rows) / numel if numel else 0.0


def share_of_zero_filters(rows: Sequence[SparsityRow]) -> float:
    """Return the share of filters that are zero throughout over all rows, 0..1."""
    filters = sum(row.filters for row in rows)
    return sum(row.zero_filters for row in rows) / filters if filters else 0.0


def total_sparsity(model: nn.Module) -> float:
    """Return the share of zeros over all convolution and linear weights of any rank, 0..1."""
    return share_of_zeros(sparsity_table(model))
