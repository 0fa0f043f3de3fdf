"""Whatever a layer looks like: full rank is lossless, costs are as predicted, files rebuild it."""

from __future__ import annotations

import pytest
import torch
from decomposition_toys import full_ranks
from hypothesis import given, settings
from hypothesis import strategies as st
from models_tiny import VARIANTS, clip_shape, tiny_network
from torch import nn

from vcc.compression.decomposition.candidate import LayerCandidate
from vcc.compression.decomposition.decompose import Decomposer, decompose_
from vcc.compression.decomposition.factors import matrix_of
from vcc.compression.decomposition.ranks import RankRule
from vcc.models import load_checkpoint, save_checkpoint
from vcc.models.summary import count_macs

FORMS = ("spatial_temporal", "tucker2", "low_rank")
SIZES = st.tuples(*[st.integers(1, 4)] * 3)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@st.composite
def convolutions(draw):
    torch.manual_seed(draw(st.integers(0, 2**16)))
    layer = nn.Conv3d(
        draw(st.integers(1, 5)),
        draw(st.integers(1, 6)),
        draw(SIZES),
        stride=draw(st.tuples(*[st.integers(1, 2)] * 3)),
        padding=draw(st.tuples(*[st.integers(0, 2)] * 3)),
        dilation=draw(st.tuples(*[st.integers(1, 2)] * 3)),
        bias=draw(st.booleans()),
    )
    return layer.double()


@settings(max_examples=30, deadline=None)
@given(layer=convolutions(), form=st.sampled_from(FORMS))
def test_full_rank_is_lossless(layer, form):
    clip = torch.randn(1, layer.in_channels, 8, 9, 10, dtype=torch.float64)
    candidate = LayerCandidate(layer, form, clip.shape, moments={})
    made = candidate.made(full_ranks(layer.weight, form))
    assert candidate.choice.full == made.ranks
    assert torch.allclose(made(clip), layer(clip), rtol=0, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    layer=convolutions(),
    form=st.sampled_from(["spatial_temporal", "low_rank"]),
    share=st.floats(0.1, 1),
)
def test_the_error_of_a_rank_is_the_tail_of_the_singular_values(layer, form, share):
    candidate = LayerCandidate(layer, form, (1, layer.in_channels, 8, 9, 10), moments={})
    rank = max(1, int(share * candidate.choice.full[0]))
    row = candidate.row("a", candidate.made((rank,)), 0.0)
    singular = torch.linalg.svdvals(matrix_of(layer.weight.detach(), form))
    tail = float(singular[rank:].norm() / singular.norm())
    assert row.weight_error == pytest.approx(tail, abs=1e-7)


SLOW = {"resnet50a", "resnet50b", "resnext50a", "resnext50b", "shufflenetg1", "shufflenetg8",
        "squeezenet1.0", "csn26ir", "c3d", "resnet2p1d50b", "pre_act_resnet10a",
        "pre_act_resnet50b", "wide_resnet50b", "densenet121", "x3d", "slow50"}  # fmt: skip
NETWORKS = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in VARIANTS]


@pytest.mark.parametrize("variant", NETWORKS)
def test_every_family_costs_what_was_predicted_and_is_rebuilt(variant, tmp_path):
    model = tiny_network(variant)
    clip = torch.randn(1, *clip_shape(variant)[1:], dtype=torch.float64)
    before = count_macs(model)
    form = FORMS[list(VARIANTS).index(variant) % 3]
    weights = tuple(name for name, _ in model.named_parameters())

    report = decompose_(
        model, Decomposer(weights=weights, form=form, rule=RankRule(share=0.5)), clip
    )

    assert before - count_macs(model) == report.macs_before - report.macs
    rebuilt = load_checkpoint(save_checkpoint(tmp_path / "saved", model, {})).model
    assert torch.equal(rebuilt(clip), model(clip))
