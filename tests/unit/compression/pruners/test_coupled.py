"""Filters ranked together: which go, and that thinning removes all of them from every family."""

from __future__ import annotations

import pytest
import torch
from models_tiny import tiny_clip, tiny_network
from torch import Tensor, nn

from vcc.compression import file_config
from vcc.compression.channels.trace import ChannelGroup, Member, Reach
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.pruners.base import PruneContext
from vcc.compression.pruners.coupled import CoupledPruner
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.models import count_parameters


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def at_start(weights: dict[str, nn.Parameter]) -> PruneContext:
    return PruneContext(weights, {}, ActiveEpochs((0,), 0, 1, 1), epoch=0)


def stretch(**filters: dict[int, int]) -> ChannelGroup:
    """Return channels that go together: layer name to its filters, each with its channel."""
    members = tuple(
        Member(
            name,
            nn.Conv2d(1, 8, 1),
            reads=False,
            indices=torch.tensor(list(of_filter)),
            roots=torch.tensor(list(of_filter.values())),
            reach=Reach(),
        )
        for name, of_filter in filters.items()
    )
    return ChannelGroup(torch.cat([member.roots for member in members]).unique(), members)


def pruned(
    scores: dict[str, list[float]], fraction: float, groups: list[ChannelGroup], **counting: int
) -> dict[str, list[int]]:
    """Return the filters that a coupled pruner masks in weights that are given by their scores."""
    weights = {
        name: nn.Parameter(torch.tensor(values, dtype=torch.float)[:, None])
        for name, values in scores.items()
    }

    def score(name: str, _dims: tuple[int, ...], _context: PruneContext) -> Tensor:
        return weights[name].detach().flatten()

    pruner = CoupledPruner(
        [tuple(scores)],
        TracedChannels(lambda: groups),
        group_type="Filters",
        fraction=lambda _name, _context: fraction,
        score=score,
        **counting,
    )
    masks = pruner.new_masks(at_start(weights))
    return {name: (~mask[:, 0]).nonzero().flatten().tolist() for name, mask in masks.items()}


SAME = {number: number for number in range(8)}


class TestRanking:
    def test_the_weakest_go(self):
        scores = {"a.weight": [1.0, 2, 8, 7, 5, 6, 4, 3]}
        assert pruned(scores, 0.5, [stretch(a=SAME)]) == {"a.weight": [0, 1, 6, 7]}

    def test_nothing_goes_where_the_share_is_less_than_a_filter(self):
        assert pruned({"a.weight": [1.0] * 8}, 0.1, [stretch(a=SAME)]) == {}

    def test_members_have_a_channel_under_numbers_of_their_own(self):
        ascending = [1.0, 2, 3, 4, 5, 6, 7, 8]
        backwards = {number: 7 - number for number in range(8)}
        scores = {"a.weight": ascending, "b.weight": ascending[::-1]}
        expected = {"a.weight": [0, 1], "b.weight": [6, 7]}
        assert pruned(scores, 0.25, [stretch(a=SAME, b=backwards)]) == expected

    def test_stretches_that_other_members_have_are_ranked_by_themselves(self):
        short = {0: 0, 1: 1, 2: 2, 3: 3}
        rest = {4: 4, 5: 5, 6: 6, 7: 7}
        scores = {"a.weight": [2.0, 1, 1, 1, 9, 9, 9, 9], "b.weight": [1.0, 2, 3, 4, 8, 7, 6, 5]}
        masked = pruned(scores, 0.25, [stretch(a=short, b=short), stretch(b=rest)])
        assert masked["b.weight"] == [*masked["a.weight"], 7]

    def test_runs_go_together(self):
        scores = {"a.weight": [1.0, 9, 2, 2, 8, 8, 7, 1]}
        masked = pruned(scores, 0.5, [stretch(a=SAME)], group_size=2)
        assert masked == {"a.weight": [2, 3, 6, 7]}

    def test_the_network_is_asked_again_when_it_changed(self):
        asked: list[int] = []

        def trace() -> list[ChannelGroup]:
            asked.append(1)
            return [stretch(a=SAME)]

        channels = TracedChannels(trace)

        weights = {"a.weight": nn.Parameter(torch.rand(8, 1))}
        pruner = CoupledPruner(
            [("a.weight",)], channels,
            group_type="Filters", fraction=lambda *_: 0.5,
            score=lambda name, *_: weights[name].detach().flatten(),
        )  # fmt: skip
        for _ in range(2):
            pruner.new_masks(at_start(weights))
        assert len(asked) == 1
        pruner.forget_shapes()
        channels.forget()
        pruner.new_masks(at_start(weights))
        assert len(asked) == 2


def thinned(variant: str, weights: list[str], share: float, *, class_name: str) -> nn.Module:
    """Return a network of which a schedule pruned and removed a share of all filters."""
    torch.manual_seed(0)
    model, clip = tiny_network(variant), tiny_clip(variant)
    schedule = {
        "pruners": {
            "filters": {
                "class": class_name,
                "desired_sparsity": share,
                "group_type": "Filters",
                "group_dependency": "Coupled",
                "weights": weights,
            }
        },
        "extensions": {
            "thinner": {"class": "FilterRemover", "thinning_func_str": "remove_filters"}
        },
        "policies": [
            {
                "pruner": {"instance_name": "filters"},
                "starting_epoch": 0,
                "ending_epoch": 1,
                "frequency": 1,
            },
            {"extension": {"instance_name": "thinner"}, "epochs": [1]},
        ],
    }
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scheduler = file_config(model, optimizer, schedule, mask_coupled=True, example_input=clip)
    scheduler.on_epoch_begin(0)
    scheduler.on_minibatch_begin(0, 0, 1)
    scheduler.before_backward_pass(0, 0, 1, torch.zeros(()))
    scheduler.before_parameter_optimization(0, 0, 1)
    scheduler.on_minibatch_end(0, 0, 1)
    scheduler.on_epoch_end(0)
    masked = model(clip)
    scheduler.begin_seam(1)
    assert (model(clip) - masked).abs().max() <= 1e-9 * masked.abs().max()
    return model


@pytest.mark.parametrize(
    "class_name", ["L1RankedStructureParameterPruner", "RandomRankedFilterPruner"]
)
def test_a_resnext_really_loses_half_of_its_grouped_filters(class_name):
    dense = tiny_network("resnext50b")
    model = thinned("resnext50b", ["type:Conv3d"], 0.5, class_name=class_name)
    for name, module in dense.named_modules():
        if isinstance(module, nn.Conv3d):
            now = model.get_submodule(name)
            assert now.out_channels == module.out_channels // 2, name
    grouped = model.layer4[0].conv2
    assert (grouped.groups, grouped.in_channels, grouped.out_channels) == (4, 8, 8)


@pytest.mark.parametrize("variant", ["shufflenetg3", "shufflenetv2", "squeezenet1.1"])
def test_shuffled_split_and_concatenated_filters_really_leave(variant):
    model = thinned(variant, ["type:Conv3d"], 0.5, class_name="L1RankedStructureParameterPruner")
    assert count_parameters(model) < 0.45 * count_parameters(tiny_network(variant))


def test_hidden_linear_layers_lose_rows_and_the_classifier_none():
    dense = tiny_network("c3d")
    model = thinned(
        "c3d", ["type:Conv3d", "type:Linear"], 0.5, class_name="L1RankedStructureParameterPruner"
    )
    assert model.fc1[0].weight.shape == (256, 32 * 4)
    assert model.fc2[0].weight.shape == (256, 256)
    assert model.fc[0].weight.shape == (4, 256)
    assert count_parameters(model) < 0.3 * count_parameters(dense)


def test_convolutions_alone_can_be_listed():
    model = thinned("c3d", ["type:Conv3d"], 0.5, class_name="L1RankedStructureParameterPruner")
    assert model.fc1[0].weight.shape == (512, 32 * 4)
    assert model.fc2[0].weight.shape == (512, 512)
