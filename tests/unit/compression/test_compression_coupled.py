"""Filters ranked together: which go, and that thinning removes all of them from every family."""

from __future__ import annotations

import pytest
import torch
from models_tiny import tiny_clip, tiny_network
from torch import Tensor, nn

from vcc.compression import file_config
from vcc.compression.channel_graph import filter_cells
from vcc.compression.epochs import ActiveEpochs
from vcc.compression.pruners.base import PruneContext
from vcc.compression.pruners.ranked import CoupledPruner
from vcc.models import count_parameters


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def at_start(weights: dict[str, nn.Parameter]) -> PruneContext:
    return PruneContext(weights, {}, ActiveEpochs((0,), 0, 1, 1), epoch=0)


def pruned(
    scores: dict[str, list[float]], fraction: float, cells: dict[str, list[int]] | None = None
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
        cells=lambda: {name: torch.tensor(cell) for name, cell in (cells or {}).items()},
        group_type="Filters",
        fraction=lambda _name, _context: fraction,
        score=score,
    )
    masks = pruner.new_masks(at_start(weights))
    return {name: (~mask[:, 0]).nonzero().flatten().tolist() for name, mask in masks.items()}


class TestCells:
    def test_without_cells_the_weakest_go_wherever_they_are(self):
        assert pruned({"a": [1, 2, 3, 4, 5, 6]}, 0.5) == {"a": [0, 1, 2]}

    def test_every_cell_loses_the_same_share(self):
        cells = {"a": [0, 0, 1, 1, 2, 2]}
        assert pruned({"a": [1, 2, 4, 3, 5, 6]}, 0.5, cells) == {"a": [0, 3, 4]}

    def test_a_cell_too_small_for_the_share_loses_nothing(self):
        assert pruned({"a": [1, 2, 3, 4]}, 0.4, {"a": [0, 0, 1, 1]}) == {}

    def test_cells_of_all_members_count(self):
        cells = {"a": [0, 0, 0, 0, 1, 1, 1, 1], "b": [0, 1, 0, 1, 0, 1, 0, 1]}
        ranked = {"a": [1, 2, 8, 7, 5, 6, 3, 4], "b": [1, 2, 8, 7, 5, 6, 3, 4]}
        # One of each pair (0, 2), (1, 3), (4, 6) and (5, 7).
        assert pruned(ranked, 0.5, cells) == {"a": [0, 1, 6, 7], "b": [0, 1, 6, 7]}

    def test_members_of_other_widths_are_ranked_by_stretches(self):
        assert pruned({"a": [1, 2], "b": [1, 2, 4, 3]}, 0.5) == {"a": [0], "b": [0, 3]}

    def test_shapes_are_asked_for_again_when_they_changed(self):
        asked: list[int] = []

        def cells() -> dict[str, Tensor]:
            asked.append(1)
            return {}

        weights = {"a": nn.Parameter(torch.rand(4, 1))}
        pruner = CoupledPruner(
            [("a",)], cells=cells, group_type="Filters", fraction=lambda *_: 0.5,
            score=lambda name, *_: weights[name].detach().flatten(),
        )  # fmt: skip
        for _ in range(2):
            pruner.new_masks(at_start(weights))
        assert len(asked) == 1
        pruner.forget_shapes()
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
    # What is left can be halved again.
    cells = filter_cells(model, tiny_clip())
    assert cells["layer4.0.conv1.weight"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


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
