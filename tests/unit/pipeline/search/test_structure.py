"""Candidates have the filters and the forms that they say, and the dense network stays."""

from __future__ import annotations

import torch

from vcc.data.store.prepared import PreparedDataset
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.search.knobs.clips import clip_choices
from vcc.pipeline.search.space import FLOAT, INT8, MIXED, SearchCandidate
from vcc.pipeline.search.structure import CandidateBuilder, renamed


def alike(builder: CandidateBuilder, share: float, rank: float = 1.0) -> SearchCandidate:
    names = [group.name for group in builder.space.groups]
    return builder.space.of(dict.fromkeys(names, share), rank, False)


def test_nothing_taken_is_the_dense_network(builder: CandidateBuilder, network: Network) -> None:
    clip = torch.randn(1, *network.card.clip_shape)
    made = builder.build(alike(builder, 0.0))
    assert made.model is not network.model
    assert torch.equal(made.model(clip), network.model(clip))


def test_shares_and_ranks_are_taken(builder: CandidateBuilder, network: Network) -> None:
    before = {name: value.clone() for name, value in network.model.state_dict().items()}
    made = builder.build(alike(builder, 0.5, rank=0.25)).model
    stem = made.get_submodule("conv1")
    assert [tuple(part.weight.shape[2:]) for part in stem] == [(1, 7, 7), (7, 1, 1)]
    assert stem[1].out_channels == 4
    assert made.get_submodule("layer1.0.conv1").out_channels == 4
    assert count_macs(made) < 0.5 * count_macs(network.model)
    after = network.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert torch.isfinite(made(torch.randn(1, *network.card.clip_shape))).all()


def test_a_group_alone_loses_filters(builder: CandidateBuilder, network: Network) -> None:
    names = [group.name for group in builder.space.groups]
    shares = {**dict.fromkeys(names, 0.0), "stage2.inner": 0.5}
    made = builder.build(builder.space.of(shares, 1.0, False)).model
    assert made.get_submodule("layer1.0.conv1").out_channels == 4
    assert made.get_submodule("conv1").out_channels == 8
    assert made.get_submodule("layer4.0.conv1").out_channels == 64


def test_the_stem_is_cut_in_time_and_clips_are_others(
    network: Network, dataset: PreparedDataset
) -> None:
    clips = clip_choices(network, dataset, ("2x16",))
    builder = CandidateBuilder(network, precisions=(FLOAT,), clips=clips)
    names = [group.name for group in builder.space.groups]
    shares = dict.fromkeys(names, 0.5)
    own = builder.build(builder.space.of(shares, 0.25, False, taps=3))
    assert own.model.get_submodule("conv1").kernel_size == (3, 7, 7)
    assert own.card == network.card
    made = builder.build(builder.space.of(shares, 1.0, False, taps=3, clip="2x16x16 stride 2"))
    assert made.card.clip_shape == (3, 2, 16, 16)
    assert count_macs(made.model) < count_macs(own.model)
    assert network.card.clip_shape == (3, 4, 16, 16)
    assert torch.isfinite(made.model(torch.randn(1, *made.card.clip_shape))).all()


def test_stages_have_a_precision_each_where_there_are_several(network: Network) -> None:
    space = CandidateBuilder(network, precisions=(INT8, FLOAT, MIXED)).space
    assert space.precisions == (INT8, FLOAT, MIXED)
    assert {group.name.partition(".")[0] for group in space.groups} == set(space.stages)
    assert "conv1" in space.stages["stage1"]
    assert not any("fc" in layers for layers in space.stages.values())


def test_a_decomposed_layer_s_filters_are_those_of_its_last_part() -> None:
    assert renamed("conv1.weight", frozenset({"conv1"})) == "conv1.1.weight"
    assert renamed("conv1.weight", frozenset()) == "conv1.weight"
