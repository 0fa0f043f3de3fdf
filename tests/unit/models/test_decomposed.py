"""Forms of layers: their shapes, and the record that rebuilds them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.errors import ModelError
from vcc.models.decomposed import (
    Decomposed,
    apply_decomposed,
    read_decomposed,
    replace_module,
    undecomposed,
)
from vcc.models.kernels import padding_sides, set_padding


def layer() -> nn.Conv3d:
    return nn.Conv3d(3, 8, (3, 5, 5), stride=(2, 2, 1), padding=(1, 2, 0), dilation=(1, 1, 2))


@pytest.mark.parametrize(
    ("form", "ranks", "kernels"),
    [
        ("spatial_temporal", (4,), [(1, 5, 5), (3, 1, 1)]),
        ("tucker2", (2, 5), [(1, 1, 1), (3, 5, 5), (1, 1, 1)]),
        ("low_rank", (4,), [(3, 5, 5), (1, 1, 1)]),
    ],
)
def test_a_form_takes_a_clip_where_the_layer_does(form, ranks, kernels):
    made = undecomposed(layer(), form, ranks)

    assert [part.kernel_size for part in made] == kernels
    assert made.ranks == ranks
    assert [part.bias is not None for part in made] == [False] * len(ranks) + [True]
    clip = torch.randn(1, 3, 6, 12, 12)
    assert made(clip).shape == layer()(clip).shape


def test_padding_on_one_side_goes_to_the_part_that_has_the_kernel():
    cut = layer()
    set_padding(cut, [(0, 1), (2, 2), (0, 0)])

    first, last = undecomposed(cut, "spatial_temporal", (4,))

    assert padding_sides(first) == [(0, 0), (2, 2), (0, 0)]
    assert padding_sides(last) == [(0, 1), (0, 0), (0, 0)]


def test_a_linear_layer_becomes_two():
    made = undecomposed(nn.Linear(6, 4, bias=False), "low_rank", (2,))

    assert [tuple(part.weight.shape) for part in made] == [(2, 6), (4, 2)]
    assert made[1].bias is None


@pytest.mark.parametrize(
    ("module", "form", "ranks"),
    [
        (nn.Conv3d(4, 4, 3), "cp", (2,)),
        (nn.Conv3d(4, 4, 3), "tucker2", (2,)),
        (nn.Conv3d(4, 4, 3), "low_rank", (0,)),
        (nn.Conv3d(4, 4, 3, groups=2), "low_rank", (2,)),
        (nn.Linear(4, 4), "tucker2", (2, 2)),
    ],
)
def test_what_does_not_go_together_is_refused(module, form, ranks):
    with pytest.raises(ValueError, match="form"):
        undecomposed(module, form, ranks)


def test_a_record_gives_a_network_the_same_modules():
    model = nn.Sequential(layer(), nn.Flatten(), nn.Linear(6, 4))
    model[0] = undecomposed(model[0], "low_rank", (4,))
    # a part may be decomposed in turn
    model[0][0] = undecomposed(model[0][0], "spatial_temporal", (3,))
    record = read_decomposed(model)
    assert record == {
        "0": {"form": "low_rank", "ranks": [4]},
        "0.0": {"form": "spatial_temporal", "ranks": [3]},
    }

    rebuilt = nn.Sequential(layer(), nn.Flatten(), nn.Linear(6, 4))
    apply_decomposed(rebuilt, record)

    assert {k: v.shape for k, v in rebuilt.state_dict().items()} == {
        k: v.shape for k, v in model.state_dict().items()
    }
    before = rebuilt[0]
    apply_decomposed(rebuilt, record)
    assert rebuilt[0] is before
    assert read_decomposed(nn.Sequential(layer())) is None


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"conv9": {"form": "low_rank", "ranks": [2]}}, "'conv9' is not in the network"),
        ({"0": {"form": "cp", "ranks": [2]}}, "'cp' with ranks"),
        ({"0": {"ranks": [2]}}, "'0'"),
    ],
)
def test_a_wrong_record_is_one_line(record, words):
    with pytest.raises(ModelError, match=words):
        apply_decomposed(nn.Sequential(layer()), record)


def test_a_module_is_replaced_under_every_name_and_keeps_its_mode():
    shared = nn.Linear(2, 2).eval()
    model = nn.Sequential(shared, nn.Sequential(shared))
    new = Decomposed("low_rank", nn.Linear(2, 1), nn.Linear(1, 2))

    replace_module(model, shared, new)

    assert model[0] is new
    assert model[1][0] is new
    assert not new[0].training
