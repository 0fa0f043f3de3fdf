"""Decomposition in a schedule: names, order, masks, optimizer, and what cannot be."""

from __future__ import annotations

import pytest
import torch
from decomposition_toys import toy_clip, toy_network
from torch import nn

from vcc.compression import file_config
from vcc.compression.decomposition import eligible
from vcc.errors import ScheduleError
from vcc.models.decomposed import Decomposed

CUBE = {"class": "LowRankDecomposer", "weights": ["cube.weight"], "rank": 4}


def pruner(weights: list[str], share: float = 0.5) -> dict:
    return {
        "class": "L1RankedStructureParameterPruner",
        "group_type": "Filters",
        "desired_sparsity": share,
        "weights": weights,
    }


def bound(
    model: nn.Module, policies: list[dict], *, cube: dict = CUBE, coupled: bool = True, **parts
):
    schedule = {
        "decomposers": {"cube": cube},
        "extensions": {"thinner": {"class": "FilterRemover"}},
        "pruners": parts,
        "policies": policies,
    }
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9)
    return file_config(
        model, optimizer, schedule, mask_coupled=coupled, example_input=toy_clip()[:1]
    )


def act(kind: str, name: str, *epochs: int) -> dict:
    return {kind: {"instance_name": name}, "epochs": list(epochs)}


def train(scheduler, model: nn.Module, epochs: int, begin: int = 0) -> None:
    for epoch in range(begin, epochs):
        scheduler.on_epoch_begin(epoch)
        scheduler.on_minibatch_begin(epoch, 0, 1)
        loss, _ = scheduler.before_backward_pass(epoch, 0, 1, model(toy_clip()).square().sum())
        scheduler.optimizer.zero_grad()
        loss.backward()
        scheduler.before_parameter_optimization(epoch, 0, 1)
        scheduler.optimizer.step()
        scheduler.on_minibatch_end(epoch, 0, 1)
        scheduler.on_epoch_end(epoch)


def test_a_pruner_of_the_same_epoch_prunes_the_inner_channels_and_thinning_is_lossless():
    model = toy_network()
    policies = [act("decomposer", "cube", 0), act("pruner", "inner", 0, 1),
                act("pruner", "outer", 0, 1), act("extension", "thinner", 2)]  # fmt: skip
    scheduler = bound(model, policies, inner=pruner(["cube.0.weight"]),
                      outer=pruner(["cube.1.weight"], 0.25))  # fmt: skip
    train(scheduler, model, 2)
    assert scheduler.masks["cube.0.weight"] is not None
    expected = model(toy_clip()).detach()

    train(scheduler, model, 3, begin=2)

    assert isinstance(model.cube, Decomposed)
    assert [part.out_channels for part in model.cube] == [2, 9]
    assert model.point.in_channels == 9
    assert torch.allclose(model(toy_clip()), expected, atol=1e-9)
    held = [id(each) for group in scheduler.optimizer.param_groups for each in group["params"]]
    assert held == [id(each) for each in model.parameters()]


def test_after_thinning_of_the_same_epoch_if_it_stands_below():
    model = toy_network()
    policies = [act("pruner", "outer", 0), act("extension", "thinner", 1),
                act("decomposer", "cube", 1)]  # fmt: skip
    scheduler = bound(model, policies, outer=pruner(["cube.weight"]))
    train(scheduler, model, 2)
    assert [part.out_channels for part in model.cube] == [4, 6]


def test_filters_that_were_masked_stay_masked():
    model = toy_network()
    policies = [act("pruner", "outer", 0), act("decomposer", "cube", 1),
                act("extension", "thinner", 2)]  # fmt: skip
    scheduler = bound(model, policies, outer=pruner(["cube.weight"]))
    train(scheduler, model, 2)
    assert int(scheduler.masks["cube.1.weight"].flatten(1).any(1).sum()) == 6
    assert scheduler.store.coupled["cube.1.weight"] == ("cube.1.bias",)
    assert int((model.cube[1].bias == 0).sum()) == 6
    train(scheduler, model, 3, begin=2)
    assert model.cube[1].out_channels == 6


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        ([act("pruner", "p", 0, 1), act("decomposer", "cube", 1)], "within these epochs"),
        ([act("pruner", "p", 0), act("decomposer", "cube", 0)], "within these epochs"),
        ([act("decomposer", "cube", 0), act("pruner", "p", 1)], "no parameter 'cube.weight'"),
    ],
)
def test_a_name_that_will_not_be_there_is_an_error_before_training(policies, words):
    with pytest.raises(ScheduleError, match=words):
        bound(toy_network(), policies, p=pruner(["cube.weight"]))


def test_a_second_policy_of_the_same_decomposer_is_told():
    with pytest.raises(ScheduleError, match="decomposed already"):
        bound(toy_network(), [act("decomposer", "cube", 0), act("decomposer", "cube", 1)])


def test_activations_rank_no_layer_that_is_not_there_yet():
    ranked = {
        "class": "ActivationMeanRankedFilterPruner",
        "desired_sparsity": 0.5,
        "weights": ["cube.0.weight"],
    }
    with pytest.raises(ScheduleError, match="rank decomposed layers by weights"):
        bound(toy_network(), [act("decomposer", "cube", 0), act("pruner", "p", 1)], p=ranked)


def test_data_aware_needs_calibration():
    with pytest.raises(ScheduleError, match="data_aware: needs calibration clips"):
        bound(toy_network(), [act("decomposer", "cube", 0)], cube={**CUBE, "data_aware": True})


def test_a_layer_that_became_another_meanwhile_is_told():
    model = toy_network()
    scheduler = bound(model, [act("decomposer", "cube", 0)])
    model.cube.weight = nn.Parameter(model.cube.weight[:, :4].detach())
    model.cube.groups = 2
    with pytest.raises(ScheduleError, match="cube cannot be decomposed any more .grouped"):
        scheduler.begin_seam(0)


def test_a_saved_state_goes_on_in_the_decomposed_network():
    model = toy_network()
    policies = [act("decomposer", "cube", 0), act("pruner", "inner", 0, 1)]
    scheduler = bound(model, policies, inner=pruner(["cube.0.weight"]))
    train(scheduler, model, 1)

    again = toy_network()
    resumed = bound(again, policies, inner=pruner(["cube.0.weight"]))
    eligible.foresee_(again, ["cube.weight"], "low_rank")
    again.cube = model.cube
    resumed.structure_restored()
    resumed.load_state_dict(scheduler.state_dict())
    assert resumed.store.coupled == scheduler.store.coupled
    train(resumed, again, 2, begin=1)
    assert torch.equal(resumed.masks["cube.0.weight"], scheduler.masks["cube.0.weight"])
