"""Targets instead of ratios: group masks, the search, and what it refuses."""

from __future__ import annotations

import copy

import pytest
import torch
from models_tiny import tiny_clip, tiny_network

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace import trace_channels
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.compression.thinning.targets import ThinningTarget, allowed_sparsity, meet_target
from vcc.errors import ScheduleError
from vcc.models import count_macs, count_parameters


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def dead_filters(mask: torch.Tensor) -> list[int]:
    return (~mask.flatten(1).any(dim=1)).nonzero().flatten().tolist()


class TestGroupMasks:
    def test_the_weakest_filters_go(self):
        model = tiny_network("resnet10a")
        with torch.no_grad():
            # 8 filters: numbers 5 and 2 are the weakest.
            model.layer1[0].conv1.weight[5] *= 1e-3
            model.layer1[0].conv1.weight[2] *= 1e-2
        masks = group_masks(trace_channels(model, tiny_clip()), lambda _: 0.25)
        assert dead_filters(masks["layer1.0.conv1.weight"]) == [2, 5]

    def test_coupled_filters_are_masked_alike(self):
        model = tiny_network("resnet18b")
        masks = group_masks(trace_channels(model, tiny_clip()), lambda _: 0.5)
        stream = ["conv1.weight", "layer1.0.conv2.weight", "layer1.1.conv2.weight"]
        assert len({tuple(dead_filters(masks[name])) for name in stream}) == 1
        assert len(dead_filters(masks["conv1.weight"])) == 4

    @pytest.mark.parametrize(
        "variant", ["resnet50a", "mobilenetv2", "mobilenet", "csn26ip", "resnext50a", "c3d"]
    )
    def test_everything_masked_can_go(self, variant):
        model, clip = tiny_network(variant), tiny_clip(variant)
        channels = TracedChannels.of(model, clip)
        masks = group_masks(channels.groups(), lambda _: 0.4)
        zero_filters_(model, masks, channels.groups())
        report = thin_(model, masks, clip, channels=channels)
        assert report.removed > 0
        assert all(row.left == 0 for row in report.rows)

    @pytest.mark.parametrize(
        ("sparsity", "round_to", "left"), [(0.3, 1, 6), (1.0, 1, 1), (0.3, 4, 8), (1.0, 4, 4)]
    )
    def test_how_many_of_eight_are_left(self, sparsity, round_to, left):
        groups = trace_channels(tiny_network("resnet10a"), tiny_clip())
        masks = group_masks(groups, lambda _: sparsity, round_to=round_to)
        assert 8 - len(dead_filters(masks["layer1.0.conv1.weight"])) == left

    @pytest.mark.parametrize(("round_to", "left"), [(1, 4), (8, 8), (16, 16)])
    def test_groups_of_a_convolution_lose_as_much_as_each_other(self, round_to, left):
        groups = trace_channels(tiny_network("resnext50b"), tiny_clip())
        # 16 filters in 4 groups: of four, int(0.8 * 4) go, unless the sum is no multiple then.
        masks = group_masks(groups, lambda _: 0.8, round_to=round_to)
        kept = masks["layer4.0.conv2.weight"].flatten(1).any(dim=1).view(4, 4).sum(dim=1)
        assert kept.tolist() == [left // 4] * 4


class TestSearch:
    @pytest.mark.parametrize(
        "variant",
        [
            "resnet10a",
            *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilenetv2", "csn26ir")),
        ],
    )
    def test_half_the_macs_narrowly(self, variant):
        model, clip = tiny_network(variant, width_mult=0.25), tiny_clip()
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        plan = meet_target(model, clip, ThinningTarget(macs=0.5))
        assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
        dense = count_macs(model)
        zero_filters_(model, plan.masks, trace_channels(model, clip))
        thin_(model, plan.masks, clip)
        share = count_macs(model) / dense
        assert plan.achieved["macs"] == share
        assert 0.4 < share <= 0.5

    @pytest.mark.slow
    def test_several_targets_are_met_together(self):
        model, clip = tiny_network("resnet18b", width_mult=0.25), tiny_clip()
        plan = meet_target(model, clip, ThinningTarget(macs=0.9, params=0.3))
        assert plan.achieved["params"] <= 0.3
        assert plan.achieved["macs"] <= 0.9
        assert "params 0." in plan.as_text()

    def test_latency_is_asked_of_the_caller(self):
        model, clip = tiny_network("resnet10a"), tiny_clip()
        measured = []

        def latency(network):
            # A made-up runtime: 2 ms and 1 ms per 10,000 parameters.
            measured.append(2 + count_parameters(network) / 10_000)
            return measured[-1]

        plan = meet_target(model, clip, ThinningTarget(latency_ms=6.0), latency=latency)
        assert plan.achieved["latency_ms"] in measured
        assert 5.0 < plan.achieved["latency_ms"] <= 6.0

    @pytest.mark.slow
    def test_round_to_holds_in_the_thinned_network(self):
        model, clip = tiny_network("csn26ip", width_mult=0.5), tiny_clip()
        plan = meet_target(model, clip, ThinningTarget(params=0.5), round_to=8)
        zero_filters_(model, plan.masks, trace_channels(model, clip))
        thin_(model, plan.masks, clip)
        for module in model.modules():
            if isinstance(module, torch.nn.Conv3d):
                assert module.out_channels % 8 == 0


class TestSensitivity:
    @pytest.mark.slow
    def test_robust_layers_give_more(self):
        model, clip = tiny_network("resnet10a", width_mult=0.5), tiny_clip()
        robust, delicate = "layer4.0.conv1.weight", "layer3.0.conv1.weight"
        curves = {
            robust: {0.0: 0.9, 0.5: 0.89, 0.9: 0.8},
            delicate: {0.0: 0.9, 0.5: 0.4, 0.9: 0.1},
        }
        plan = meet_target(model, clip, ThinningTarget(params=0.6), sensitivity=curves)
        assert plan.sparsity[robust] > plan.sparsity[delicate]
        uniform = meet_target(copy.deepcopy(model), clip, ThinningTarget(params=0.6))
        assert uniform.sparsity[robust] == pytest.approx(uniform.sparsity[delicate], abs=0.02)

    def test_allowed_sparsity_by_hand(self):
        curve = {0.0: 0.9, 0.4: 0.8, 0.8: 0.4}
        assert allowed_sparsity(curve, 0.0) == 0.0
        assert allowed_sparsity(curve, 0.1) == pytest.approx(0.4)
        assert allowed_sparsity(curve, 0.3) == pytest.approx(0.6)
        assert allowed_sparsity(curve, 0.7) == 0.8

    def test_a_lucky_measurement_does_not_count(self):
        assert allowed_sparsity({0.0: 0.9, 0.4: 0.7, 0.8: 0.9}, 0.1) == pytest.approx(0.2)

    def test_curves_of_layers_without_filters_to_lose_are_passed_over(self):
        model, clip = tiny_network("resnet10a"), tiny_clip()
        curves = {"fc.weight": {0.0: 0.9, 0.5: 0.1}, "bn1.weight": {0.0: 0.9, 0.5: 0.1}}
        plan = meet_target(model, clip, ThinningTarget(params=0.6), sensitivity=curves)
        assert plan.achieved["params"] <= 0.6

    def test_unknown_layers_are_refused(self):
        with pytest.raises(ScheduleError, match=r"did you mean layer1.0.conv1.weight"):
            meet_target(
                tiny_network("resnet10a"),
                tiny_clip(),
                ThinningTarget(macs=0.5),
                sensitivity={"layer1.0.conv1.weigth": {0.0: 1.0}},
            )


class TestRefusals:
    def test_what_nobody_can_meet(self):
        with pytest.raises(ScheduleError, match=r"target macs 0.001 \(at best 0\.\d+\) cannot be"):
            meet_target(tiny_network("resnet10a"), tiny_clip(), ThinningTarget(macs=0.001))

    def test_sensitivity_limits_what_can_be_met(self):
        model, clip = tiny_network("resnet10a"), tiny_clip()
        names = {f"layer{stage}.0.conv{n}.weight" for stage in (1, 2, 3, 4) for n in (1, 2)}
        curves = {name: {0.0: 0.9, 0.1: 0.5} for name in (*names, "conv1.weight")}
        with pytest.raises(ScheduleError, match="with the sparsities that sensitivity measured"):
            meet_target(model, clip, ThinningTarget(params=0.5), sensitivity=curves)

    def test_latency_needs_a_runtime(self):
        with pytest.raises(ScheduleError, match="nothing measures it here"):
            meet_target(tiny_network("resnet10a"), tiny_clip(), ThinningTarget(latency_ms=1.0))

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            ({}, "no target is set"),
            ({"macs": 1.0}, "macs: 1 is out of range: it must be above 0 and below 1"),
            ({"params": 0.0}, "params: 0 is out of range"),
            ({"latency_ms": -1.0}, "latency_ms: -1 is out of range: it must be above 0"),
        ],
    )
    def test_targets_out_of_range(self, target, message):
        with pytest.raises(ScheduleError, match=message):
            ThinningTarget(**target)
