"""How sparse a network is: per weight tensor and in all, by element and by filter."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class SparsityRow:
    """One weight tensor of two dimensions or more.

    Args:
        name: parameter name.
        shape: its sizes.
        numel: how many elements.
        zeros: how many of them are zero.
        sparsity: zeros / numel, 0..1.
        filter_sparsity: share of output filters (rows of a linear weight) that are zero throughout.
    """

    name: str
    shape: tuple[int, ...]
    numel: int
    zeros: int
    sparsity: float
    filter_sparsity: float


def sparsity_table(model: nn.Module) -> list[SparsityRow]:
    """Return one row per convolution or linear weight, in the network's order."""
    rows = []
    for name, parameter in model.named_parameters():
        if parameter.dim() < 2:
            continue
        zero = parameter.detach() == 0
        zeros = int(zero.sum())
        rows.append(
            SparsityRow(
                name=name,
                shape=tuple(parameter.shape),
                numel=parameter.numel(),
                zeros=zeros,
                sparsity=zeros / parameter.numel(),
                filter_sparsity=float(zero.flatten(1).all(dim=1).float().mean()),
            )
        )
    return rows


def total_sparsity(model: nn.Module) -> float:
    """Return the share of zeros over all convolution and linear weights of any rank, 0..1."""
    rows = sparsity_table(model)
    numel = sum(row.numel for row in rows)
    return sum(row.zeros for row in rows) / numel if numel else 0.0
