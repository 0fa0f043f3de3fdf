"""A target's sparsities in a schedule: the pruner masks what the target was worked out on."""

from __future__ import annotations

import copy

import pytest
import torch
from models_tiny import VARIANTS, tiny_clip, tiny_network

from vcc.compression.engine.builder import file_config
from vcc.compression.schedule.edits import (
    directed_weights,
    filter_pruner,
    only_quantizers,
    with_sparsities,
)
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.shipped import SCHEDULES
from vcc.compression.thinning.targets import ThinningTarget, meet_target
from vcc.errors import ScheduleError
from vcc.models import count_macs


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def run_without_training(model, schedule, clip, *, round_to):
    """Take a schedule's epochs without a step of training."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = file_config(
        model, optimizer, schedule, mask_coupled=True, example_input=clip, round_to=round_to
    )
    for epoch in range(6):
        scheduler.on_epoch_begin(epoch)
        scheduler.on_minibatch_begin(epoch, 0, 1)
        scheduler.before_backward_pass(epoch, 0, 1, torch.zeros(()))
        scheduler.before_parameter_optimization(epoch, 0, 1)
        scheduler.on_minibatch_end(epoch, 0, 1)
        scheduler.on_epoch_end(epoch)


@pytest.mark.parametrize(
    ("variant", "round_to"),
    [
        pytest.param("resnet10a", 1, marks=pytest.mark.slow),
        ("resnet10a", 4),
        pytest.param("resnext50b", 1, marks=pytest.mark.slow),
        pytest.param("c3d", 4, marks=pytest.mark.slow),
        pytest.param("mobilenet", 1, marks=pytest.mark.slow),
        pytest.param("mobilenetv2", 1, marks=pytest.mark.slow),
        pytest.param("csn26ip", 4, marks=pytest.mark.slow),
    ],
)
def test_the_schedule_leaves_what_the_target_counted(variant, round_to):
    model, clip = tiny_network(variant, width_mult=0.25), tiny_clip(variant)
    family = VARIANTS[variant][0]
    schedule = load_schedule(SCHEDULES / f"{family}_filters_agp_thin.yaml")
    plan = meet_target(
        model,
        clip,
        ThinningTarget(macs=0.6),
        round_to=round_to,
        prunable=directed_weights(schedule, model),
    )
    dense = count_macs(model)
    run_without_training(model, with_sparsities(schedule, plan.asked), clip, round_to=round_to)
    assert count_macs(model) / dense == plan.achieved["macs"] <= 0.6


@pytest.mark.slow
def test_only_what_the_schedule_prunes_is_counted_on():
    model, clip = tiny_network("resnet10a", width_mult=0.25), tiny_clip()
    weights = [f"layer{stage}.0.conv1.weight" for stage in (1, 2, 3, 4)]
    plan = meet_target(model, clip, ThinningTarget(macs=0.9), prunable=weights)
    assert set(plan.asked) == {(name,) for name in weights}
    assert plan.sparsity["conv1.weight"] == 0
    with pytest.raises(ScheduleError, match=r"target macs 0.1 \(at best 0\.\d+\)"):
        meet_target(model, clip, ThinningTarget(macs=0.1), prunable=weights)


def test_every_policy_of_the_pruner_runs_all_of_its_parts():
    mapping = load_schedule(SCHEDULES / "resnet_filters_agp_thin.yaml").as_mapping()
    before = copy.deepcopy(mapping)
    shares = {("conv1.weight", "layer1.0.conv2.weight"): 0.25, ("layer1.0.conv1.weight",): 0.05}
    made = with_sparsities(load_schedule(mapping), shares).as_mapping()
    assert mapping == before
    pruners = list(made["pruners"].values())
    assert [p["weights"] for p in pruners] == [list(group) for group in shares]
    assert [p["final_sparsity"] for p in pruners] == pytest.approx([0.25, 0.05], abs=1e-6)
    assert [p["initial_sparsity"] for p in pruners] == pytest.approx([0.1, 0.025], abs=1e-6)
    named = [p["pruner"]["instance_name"] for p in made["policies"] if "pruner" in p]
    assert named == list(made["pruners"])
    assert made["policies"][-1] == before["policies"][-1]


@pytest.mark.parametrize(
    "name",
    [
        "filters_fpgm_agp_thin",
        pytest.param("filters_bn_scale_agp_thin", marks=pytest.mark.slow),
    ],
)
def test_other_criteria_choose_which_filters_and_the_target_how_many(name):
    model, clip = tiny_network("resnet10a", width_mult=0.25), tiny_clip()
    schedule = load_schedule(SCHEDULES / f"{name}.yaml")
    plan = meet_target(model, clip, ThinningTarget(macs=0.6))
    dense = count_macs(model)
    run_without_training(model, with_sparsities(schedule, plan.asked), clip, round_to=1)
    assert count_macs(model) / dense == plan.achieved["macs"]


def test_a_target_divides_the_share_in_place_of_a_ranking_of_all_layers():
    schedule = load_schedule(SCHEDULES / "filters_global_agp_thin.yaml")
    shares = {("conv1.weight", "layer1.0.conv2.weight"): 0.25, ("layer1.0.conv1.weight",): 0.5}
    made = with_sparsities(schedule, shares).as_mapping()["pruners"].values()
    assert {p["class"] for p in made} == {"BNScaleRankedFilterPruner_AGP"}
    assert all(p["group_dependency"] == "Coupled" for p in made)
    assert not any({"ranking", "normalizer", "most_per_layer"} & set(p) for p in made)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("elementwise_agp80", "has no pruner .* and no FilterRemover"),
        ("ptq_int8", "has no pruner .* and no FilterRemover"),
        # It ranks the filters of all layers together, so there is no sparsity of a layer to set.
        ("slimming_thin", "has no pruner .* and a FilterRemover"),
    ],
)
def test_schedules_that_a_target_cannot_direct_are_named(name, what):
    with pytest.raises(ScheduleError, match=rf"{name}.yaml: {what}"):
        filter_pruner(load_schedule(SCHEDULES / f"{name}.yaml"))


def test_a_schedule_that_leaves_a_layer_without_channels_is_refused_and_nothing_removed():
    model, clip = tiny_network("resnet10a"), tiny_clip()
    mapping = load_schedule(SCHEDULES / "resnet_filters_agp_thin.yaml").as_mapping()
    mapping["pruners"]["filters"]["final_sparsity"] = 1.0
    before = count_macs(model)
    with pytest.raises(ScheduleError, match=r"every channel is masked, so thinning would leave"):
        run_without_training(model, mapping, clip, round_to=1)
    assert count_macs(model) == before


def test_quantizers_alone_act_at_once_and_are_not_guarded():
    loaded = load_schedule(
        {
            "pruners": {"p": {"class": "SensitivityPruner", "sensitivities": {"conv1.weight": 1}}},
            "quantizers": {"late": {"class": "PostTrainLinearQuantizer", "guard": {"loss": 0.1}}},
            "policies": [
                {"pruner": {"instance_name": "p"}, "epochs": [0]},
                {"quantizer": {"instance_name": "late"}, "epochs": [5, 7]},
            ],
        }
    )
    alone = only_quantizers(loaded)
    assert [(policy.instance, policy.epochs.epochs) for policy in alone.policies] == [
        ("late", (0,))
    ]
    assert [part.name for part in alone.components] == ["late"]
    assert alone.components[0].arguments.guard is None
