"""Int8 weights that no pair of products overflows with, whichever quantizer made them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from saturating import exact_sums, saturated_sums, worst_sums
from torch import nn

from vcc.compression import file_config
from vcc.config.overflow import SAFE_SIZE, SAFE_TOP
from vcc.errors import ModelError, ScheduleError
from vcc.models.quantized.plan import describe_quantizers, overflow_of_network, rebuild_quantizers
from vcc.models.quantized.plan_parts import WeightPlan
from vcc.models.quantized.weight import WeightQuantizer
from vcc.models.quantized.weight_kinds import weight_levels

RANGE = ("PostTrainLinearQuantizer", "QuantAwareTrainRangeLinearQuantizer")
CLIPPED = ("DorefaQuantizer", "WRPNQuantizer", "PACTQuantizer")


def network() -> nn.Sequential:
    """Return two layers whose weights are at their extremes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv3d(4, 6, 3, padding=1), nn.ReLU(), nn.Conv3d(6, 4, 1))
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.sign_()
    return model.eval()


def quantized(class_name: str, **fields: Any) -> nn.Module:
    """Return a quantized network, its constants of an export up to date."""
    model = network()
    clips = torch.rand(2, 4, 3, 6, 6) * 4 - 2
    schedule = {
        "quantizers": {"q": {"class": class_name, **fields}},
        "policies": [{"quantizer": {"instance_name": "q"}, "epochs": [0]}],
    }
    scheduler = file_config(
        model, None, schedule, example_input=clips[:1], calibration=lambda: [clips]
    )
    scheduler.begin_seam(0)
    return model.eval()


def bits_of(class_name: str, bits: int) -> dict[str, int]:
    name = "bits_parameters" if class_name == RANGE[0] else "bits_weights"
    return {name: bits, "bits_activations": 8}


def weights_of(model: nn.Module) -> list[WeightQuantizer]:
    return [module for module in model.modules() if isinstance(module, WeightQuantizer)]


class TestTheBound:
    def test_no_pair_of_products_leaves_16_bits(self) -> None:
        ends = list(itertools.product((0, 255), (-SAFE_SIZE, SAFE_SIZE)))
        sums = [a * b + c * d for (a, b), (c, d) in itertools.product(ends, ends)]
        assert min(sums) >= -(2**15)
        assert max(sums) <= 2**15 - 1

    def test_one_more_would(self) -> None:
        assert 2 * 255 * (SAFE_SIZE + 1) > 2**15 - 1

    @given(st.integers(0, 2**32 - 1), st.booleans())
    def test_safe_weights_give_exact_sums_in_any_order(self, seed: int, extremes: bool) -> None:
        random = np.random.default_rng(seed)
        choices = [0, 255] if extremes else list(range(256))
        activations = random.choice(choices, (2, 16)).astype(np.int64)
        weights = random.integers(-SAFE_SIZE, SAFE_SIZE + 1, (16, 3))
        exact = exact_sums(activations, weights)
        assert (saturated_sums(activations, weights, random.permutation(16)) == exact).all()
        assert (worst_sums(activations, weights) == exact).all()

    def test_fast_weights_lose_half_at_the_extremes(self) -> None:
        activations = np.full((1, 32), 255)
        weights = np.full((32, 1), 127)
        share = saturated_sums(activations, weights) / exact_sums(activations, weights)
        assert 0.5 < share[0, 0] < 0.51


class TestQuantizers:
    @pytest.mark.parametrize("bits", [2, 4, 6, 7, 8])
    @pytest.mark.parametrize("class_name", [*RANGE, *CLIPPED])
    def test_safe_integers_stay_in_7_bits(self, class_name: str, bits: int) -> None:
        model = quantized(class_name, **bits_of(class_name, bits), overflow="safe")
        assert len(weights_of(model)) == 2
        for quantizer in weights_of(model):
            levels = quantizer.export_levels
            assert levels.dtype == torch.int8
            assert int(levels.min()) >= -SAFE_TOP - 1
            assert int(levels.max()) <= SAFE_TOP
            assert levels.count_nonzero() == levels.numel(), "weights of 1 and -1"
        assert overflow_of_network(model) == "safe"

    @pytest.mark.parametrize("class_name", [*RANGE, *CLIPPED])
    def test_fast_integers_use_8_bits(self, class_name: str) -> None:
        model = quantized(class_name, **bits_of(class_name, 8), overflow="fast")
        assert max(int(q.export_levels.abs().max()) for q in weights_of(model)) >= 127
        assert overflow_of_network(model) == "fast"

    @pytest.mark.parametrize("mode", ["SYMMETRIC", "SYMMETRIC_RESTRICTED", "ASYMMETRIC_SIGNED"])
    @pytest.mark.parametrize("per_channel", [True, False])
    def test_every_mode_of_weights_is_narrowed(self, mode: str, per_channel: bool) -> None:
        model = quantized(
            RANGE[0], mode={"weights": mode}, per_channel_wts=per_channel, overflow="safe"
        )
        for quantizer in weights_of(model):
            assert int(quantizer.export_levels.abs().max()) <= SAFE_SIZE

    @pytest.mark.parametrize("bits", [1, 4, 7, 8])
    @pytest.mark.parametrize("class_name", CLIPPED)
    def test_a_clipped_network_computes_what_its_safe_file_holds(
        self, class_name: str, bits: int
    ) -> None:
        model = quantized(class_name, bits_weights=bits, bits_activations=8, overflow="safe")
        weight = torch.randn(40, 9)
        quantizer = weights_of(model)[0]
        quantizer.refresh(weight)
        held = quantizer.export_levels.float() * quantizer.export_scale
        torch.testing.assert_close(quantizer(weight), held)

    def test_a_safe_weight_still_learns(self) -> None:
        weight = torch.randn(5, 4, requires_grad=True)
        quantizer = WeightQuantizer(WeightPlan(kind="wrpn", bits=7, overflow="safe"))
        quantizer(weight).sum().backward()
        assert weight.grad is not None
        assert weight.grad.count_nonzero() > 0

    def test_more_than_8_bits_are_floats_and_stay(self) -> None:
        model = quantized(RANGE[0], bits_parameters=12, overflow="safe")
        plan = describe_quantizers(model)
        assert plan is not None
        assert {parts["weight"]["bits"] for parts in plan["layers"].values()} == {12}

    @pytest.mark.parametrize("kind", ["dorefa", "wrpn"])
    def test_levels_keep_to_their_top(self, kind: str) -> None:
        for bits in range(1, 9):
            levels, _ = weight_levels(torch.linspace(-3, 3, 99), kind, bits, top=SAFE_TOP)
            assert levels.min() >= -SAFE_TOP - 1
            assert levels.max() <= SAFE_TOP


class TestTheChoice:
    @pytest.mark.parametrize(
        ("fields", "overflow"),
        [
            ({}, "fast"),
            ({"quant_target": "cpu"}, "safe"),
            ({"quant_target": "tensorrt"}, "fast"),
            ({"quant_target": "cpu", "overflow": "fast"}, "fast"),
            ({"quant_target": "cpu", "overflow": "auto"}, "safe"),
            ({"quant_target": "tensorrt", "overflow": "auto"}, "fast"),
            ({"quant_target": "tensorrt", "overflow": "safe"}, "safe"),
            ({"overflow": "auto"}, "safe"),
        ],
    )
    def test_auto_is_safe_for_cpus_and_distiller_s_own_dialect_fast(
        self, fields: dict[str, str], overflow: str
    ) -> None:
        plan = describe_quantizers(quantized(RANGE[0], **fields))
        assert plan is not None
        assert plan["overflow"] == overflow
        bits = {parts["weight"]["bits"] for parts in plan["layers"].values()}
        assert bits == {7 if overflow == "safe" else 8}

    def test_another_word_is_refused_by_name(self) -> None:
        with pytest.raises(ScheduleError, match="overflow"):
            quantized(RANGE[0], overflow="safer")

    def test_a_plan_that_does_not_say_is_fast(self) -> None:
        plan = describe_quantizers(quantized(RANGE[0], quant_target="cpu", overflow="fast"))
        assert plan is not None
        del plan["overflow"]
        model = network()
        rebuild_quantizers(model, plan)
        again = describe_quantizers(model)
        assert again is not None
        assert again["overflow"] == "fast"

    def test_a_plan_that_says_something_else_is_refused(self) -> None:
        with pytest.raises(ModelError, match=r"quantizers\.overflow: 'never'"):
            rebuild_quantizers(network(), {"overflow": "never"})

    def test_signed_depthwise_inputs_are_for_fast_networks(self) -> None:
        # Without VNNI oneDNN rounds the weights of such a layer once more.
        def modes(overflow: str) -> set[str]:
            torch.manual_seed(0)
            model = nn.Sequential(nn.Conv3d(4, 4, 1), nn.Conv3d(4, 4, 3, padding=1, groups=4))
            clips = torch.randn(2, 4, 3, 6, 6)
            fields = {"class": RANGE[0], "quant_target": "cpu", "overflow": overflow}
            policies = [{"quantizer": {"instance_name": "q"}, "epochs": [0]}]
            scheduler = file_config(
                model,
                None,
                {"quantizers": {"q": fields}, "policies": policies},
                example_input=clips[:1],
                calibration=lambda: [clips],
            )
            scheduler.begin_seam(0)
            plan = describe_quantizers(model)
            assert plan is not None
            return {plan["layers"]["1"]["input"]["mode"]}

        assert modes("safe") == {"ASYMMETRIC_UNSIGNED"}
        assert modes("fast") == {"SYMMETRIC"}
