"""Pruners that rank by norms, gradients or chance: which filters each takes, by its class."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from toy_training import Training, pruned_by, tiny_net

from vcc.compression import file_config
from vcc.compression.pruners.base import PRUNERS
from vcc.errors import ScheduleError

EXAMPLE = torch.zeros(2, 2, 3, 5, 5)
SHARE = {"desired_sparsity": 0.5}
RAMP = {"initial_sparsity": 0.0, "final_sparsity": 0.5}
FILTERS = {"group_type": "Filters"}


def pruner(class_name: str, **more: Any) -> dict[str, Any]:
    share = RAMP if class_name.endswith("_AGP") else SHARE
    return {"class": class_name, "weights": ["conv1.weight"], **share, **more}


def network() -> torch.nn.Module:
    """Return a network whose filters have mean magnitudes 4, 3, 2, 1; the last is one spike."""
    model = tiny_net()
    with torch.no_grad():
        weight = model.conv1.weight
        for filter_, size in enumerate((4.0, 3.0, 2.0, 0.0)):
            weight[filter_] = size
        # Mean magnitude 1, but a longer vector than the others.
        weight[3, 0, 0, 0, 0] = weight[3].numel()
    return model


def masked(schedule: dict[str, Any], *, epochs: int = 1) -> list[int]:
    """Return the filters of the first convolution that are masked."""
    torch.manual_seed(0)
    scheduler = file_config(network(), None, schedule, example_input=EXAMPLE)
    for epoch in range(epochs):
        scheduler.on_epoch_begin(epoch)
        if epoch + 1 < epochs:
            scheduler.on_epoch_end(epoch)
    mask: Tensor | None = scheduler.masks["conv1.weight"]
    return [] if mask is None else (~mask.flatten(1).any(dim=1)).nonzero().flatten().tolist()


@pytest.mark.parametrize(
    ("name", "gone"), [("L1RankedStructureParameterPruner", [2, 3]),
                       ("L2RankedStructureParameterPruner", [1, 2])]
)  # fmt: skip
def test_norms_take_the_filters_of_least(name: str, gone: list[int]) -> None:
    assert masked(pruned_by(pruner(name, **FILTERS))) == gone
    # The ramp has come to its end in the last of its epochs.
    assert masked(pruned_by(pruner(f"{name}_AGP", **FILTERS), end=3), epochs=3) == gone


@pytest.mark.parametrize(
    ("more", "gone"),
    [
        ({"desired_sparsity": 0.3}, [3]),
        ({"desired_sparsity": 0.3, "rounding_fn": "ceil"}, [2, 3]),
        # Neighbours go together: of two pairs, the weaker one.
        ({"desired_sparsity": 0.5, "group_size": 2}, [2, 3]),
        ({"desired_sparsity": 0.0}, []),
    ],
)
def test_a_share_becomes_a_number_as_asked(more: dict[str, Any], gone: list[int]) -> None:
    given = pruner("L1RankedStructureParameterPruner", **FILTERS, **more)
    assert masked(pruned_by(given)) == gone


@pytest.mark.parametrize("name", ["RandomRankedFilterPruner", "RandomRankedFilterPruner_AGP"])
def test_chance_takes_the_share_whatever_the_weights(name: str) -> None:
    assert len(masked(pruned_by(pruner(name), end=3), epochs=3)) == 2


def test_a_range_draws_its_share() -> None:
    given = {"class": "RandomLevelStructureParameterPruner", "weights": ["conv1.weight"], **FILTERS}
    drawn = {len(masked(pruned_by({**given, "sparsity_range": [x, x]}))) for x in (0.25, 0.75)}
    assert drawn == {1, 3}


def test_gradients_take_the_filters_whose_loss_would_change_least() -> None:
    for name in ("GradientRankedFilterPruner", "GradientRankedFilterPruner_AGP"):
        done = Training(pruned_by(pruner(name), end=3), options={"example_input": EXAMPLE})
        done.run(3)
        mask = done.scheduler.masks["conv1.weight"]
        assert mask is not None
        assert int((~mask.flatten(1).any(dim=1)).sum()) == 2


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_each_filter_goes_with_its_probability(probability: float) -> None:
    given = pruner("BernoulliFilterPruner", desired_sparsity=probability)
    assert len(masked(pruned_by(given))) == (4 if probability else 0)


def test_a_target_directs_a_pruner_to_its_layers_and_share() -> None:
    schedule = pruned_by(
        pruner("L1RankedStructureParameterPruner", **FILTERS, group_size=2, rounding_fn="ceil")
    )
    scheduler = file_config(tiny_net(), None, schedule, example_input=EXAMPLE)
    (part,) = scheduler.schedule.components
    directed = part.arguments.directed(("conv2.weight",), 0.25)
    assert directed.weights == ("conv2.weight",)
    assert (directed.desired_sparsity, directed.group_size) == (0.25, 1)
    assert (directed.rounding_fn, directed.group_dependency) == (None, "Coupled")
    # How many go is chance there: nobody can promise a target.
    undirected = {"RandomLevelStructureParameterPruner", "BernoulliFilterPruner"}
    assert all(not PRUNERS.get(name).can_be_directed for name in undirected)
    assert PRUNERS.get("RandomRankedFilterPruner").can_be_directed


def test_a_range_is_two_shares() -> None:
    given = {"class": "RandomLevelStructureParameterPruner", "weights": ["conv1.weight"], **FILTERS}
    with pytest.raises(ScheduleError, match="sparsity_range"):
        file_config(tiny_net(), None, pruned_by({**given, "sparsity_range": [0.5]}))
