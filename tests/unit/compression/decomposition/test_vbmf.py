"""What stands out of noise is found at any size, and noise alone has nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vcc.compression.decomposition.vbmf import rank_above_noise


def values(rows: int, columns: int, rank: int, *, noise: float, size: float = 1.0) -> Tensor:
    """Return the singular values of a matrix of some rank with noise on every entry."""
    made = torch.Generator().manual_seed(rows + rank)
    left = torch.randn(rows, rank, generator=made, dtype=torch.float64)
    right = torch.randn(rank, columns, generator=made, dtype=torch.float64)
    matrix = left @ right + noise * torch.randn(rows, columns, generator=made, dtype=torch.float64)
    return torch.linalg.svdvals(size * matrix)


@pytest.mark.parametrize(("rows", "columns"), [(40, 200), (100, 100), (8, 27)])
@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("size", [1.0, 1e-4, 1e6])
def test_the_rank_under_the_noise_is_found(rows: int, columns: int, rank: int, size: float) -> None:
    assert rank_above_noise(values(rows, columns, rank, noise=0.1, size=size), columns) == rank


def test_noise_alone_has_no_direction_but_one_is_left() -> None:
    only_noise = torch.linalg.svdvals(
        torch.randn(60, 90, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    )
    assert rank_above_noise(only_noise, 90) == 1


def test_more_noise_hides_more() -> None:
    ranks = [rank_above_noise(values(60, 80, 20, noise=n), 80) for n in (0.1, 4.0, 12.0)]
    assert ranks[0] == 20
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[-1] < 20


@pytest.mark.parametrize("zeros", [torch.zeros(5), torch.zeros(1)])
def test_a_matrix_of_zeros_keeps_one(zeros: Tensor) -> None:
    assert rank_above_noise(zeros, 9) == 1


def test_one_value_alone() -> None:
    assert rank_above_noise(torch.tensor([3.0]), 10) == 1
