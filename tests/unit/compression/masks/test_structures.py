"""Structures of a weight tensor: their maps, measures and masks, by hand."""

from __future__ import annotations

import pytest
import torch

from vcc.compression.masks.structures import (
    UnfitStructure,
    block_view,
    map_dims,
    spread,
    spread_blocks,
    structure_maxima,
    structure_means,
    structure_norms,
    structures_alive,
)

CONV = torch.zeros(4, 2, 3, 3, 3)


@pytest.mark.parametrize(
    ("group", "dims"),
    [("Filters", (0,)), ("3D", (0,)), ("Channels", (1,)), ("2D", (0, 1)), ("TemporalSlices", (2,))],
)
def test_a_group_spans_dimensions(group: str, dims: tuple[int, ...]) -> None:
    assert map_dims(group, CONV) == dims


def test_rows_are_channels_where_weights_are_ranked_as_distiller_has_it() -> None:
    assert map_dims("Rows", torch.zeros(4, 2)) == (0,)
    assert map_dims("Rows", CONV, ranking=True) == (1,)


@pytest.mark.parametrize(
    ("group", "shape", "message"),
    [
        ("Filters", (4,), "at least 2 dimensions"),
        ("Planes", (4, 2), "not a group"),
        ("TemporalSlices", (4, 2, 3, 3), "5-dimensional"),
        ("Cols", (4, 2, 3, 3), "2-dimensional"),
    ],
)
def test_a_weight_without_such_structures_is_refused(
    group: str, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(UnfitStructure, match=message):
        map_dims(group, torch.zeros(shape))


def test_norms_means_and_maxima_of_rows() -> None:
    weight = torch.tensor([[3.0, -4.0], [0.0, 1.0]])
    assert structure_norms(weight, (0,), order=1).tolist() == [7.0, 1.0]
    assert structure_norms(weight, (0,), order=2).tolist() == [5.0, 1.0]
    # norm / count, not the root of the mean square
    assert structure_means(weight, (0,), order=2).tolist() == [2.5, 0.5]
    assert structure_maxima(weight, (0,)).tolist() == [4.0, 1.0]
    assert structure_maxima(weight, (0, 1)).tolist() == weight.abs().tolist()


def test_a_structure_is_alive_while_one_weight_is() -> None:
    weight = torch.tensor([[0.0, 0.0], [0.0, 1e-30]])
    assert structures_alive(weight, (0,)).tolist() == [False, True]
    assert structures_alive(weight, (1,)).tolist() == [False, True]


def test_a_map_is_spread_over_its_dimension() -> None:
    mask = spread(torch.tensor([True, False]), torch.Size((3, 2, 2)), (1,))
    assert mask.shape == (3, 2, 2)
    assert bool(mask[:, 0].all())
    assert not bool(mask[:, 1].any())


def test_blocks_are_columns_of_the_view() -> None:
    weight = torch.arange(16.0).reshape(4, 4, 1, 1)
    view = block_view(weight, (2, 2, 1, 1))
    assert view.shape == (4, 4, 1)
    assert view[1].flatten().tolist() == [4.0, 5.0, 6.0, 7.0]
    keep = torch.tensor([[True], [False], [True], [True]])
    assert weight[~spread_blocks(keep, weight, (2, 2, 1, 1))].tolist() == [4.0, 5.0, 6.0, 7.0]


def test_blocks_that_do_not_divide_the_weight_are_refused() -> None:
    with pytest.raises(UnfitStructure, match=r"blocks of \[3, 1\]"):
        block_view(torch.zeros(4, 4), (3, 1))
