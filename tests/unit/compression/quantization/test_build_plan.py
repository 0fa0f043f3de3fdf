"""Which layer is quantized to what: by settings, overrides, target and where the layer stands."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.quantization.build_plan import clip_options, clipped_plan, linear_plan
from vcc.compression.quantization.overrides import resolve_bits
from vcc.compression.quantization.settings import QUANTIZERS, QuantizerSettings
from vcc.models.quantized.plan_parts import ActivationPlan, ClipPlan, WeightPlan

X = torch.zeros(1, 2, 3, 3)
PTQ, QAT = "PostTrainLinearQuantizer", "QuantAwareTrainRangeLinearQuantizer"


def settings(class_name: str, **arguments: Any) -> QuantizerSettings:
    return QUANTIZERS.get(class_name)(**arguments).settings(class_name)


def net() -> nn.Sequential:
    """Return a convolution, a ReLU, a depthwise one right behind another, and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 1),
        nn.ReLU(),
        nn.Conv2d(4, 4, 1),
        nn.Conv2d(4, 4, 1, groups=4),
        nn.Flatten(),
        nn.Linear(36, 2),
    )


def test_weights_and_what_layers_read_are_quantized() -> None:
    plan = linear_plan(net(), settings(PTQ, bits_activations=8, bits_parameters=8), X)
    assert list(plan.layers) == ["0", "2", "3", "5"]
    first = plan.layers["0"]
    assert first.weight == WeightPlan(kind="range", bits=8)
    assert first.input == ActivationPlan(bits=8)
    assert first.bias is None
    assert first.output is None


def test_bits_that_are_as_good_as_a_float_s_leave_floats() -> None:
    plan = linear_plan(net(), settings(PTQ, bits_activations=32, bits_parameters=8), X)
    assert plan.layers["0"].input is None
    assert plan.layers["0"].weight is not None
    assert not linear_plan(net(), settings(PTQ, bits_activations=32, bits_parameters=17), X).layers


def test_overrides_reach_single_layers() -> None:
    overrides = {
        "0": {"bits_weights": 4, "mode": {"weights": "ASYMMETRIC_SIGNED"}},
        "2": {"bits_weights": None, "bits_activations": None},
        "5": {"per_channel_wts": True},
    }
    given = settings(PTQ, bits_activations=8, bits_parameters=8, overrides=overrides)
    layers = linear_plan(net(), given, X).layers
    assert layers["0"].weight == WeightPlan(kind="range", bits=4, mode="ASYMMETRIC_SIGNED")
    assert layers["0"].input == ActivationPlan(bits=8)
    assert "2" not in layers
    assert layers["5"].weight is not None
    assert layers["5"].weight.per_channel


def test_the_network_s_input_has_bits_of_its_own_or_stays() -> None:
    wide = settings(QAT, bits_activations=4, bits_weights=8, num_bits_inputs=8, ema_decay=0.9)
    layers = linear_plan(net(), wide, X).layers
    assert layers["0"].input == ActivationPlan(bits=8, decay=0.9)
    assert layers["5"].input == ActivationPlan(bits=4, decay=0.9)
    left = settings(QAT, bits_activations=8, bits_weights=8, quantize_inputs=False)
    layers = linear_plan(net(), left, X).layers
    assert layers["0"].input is None
    assert layers["5"].input is not None


@pytest.mark.parametrize(
    ("overflow", "mode", "bits"),
    [("fast", "SYMMETRIC", 8), ("safe", "ASYMMETRIC_UNSIGNED", 7)],
)
def test_on_a_cpu_a_depthwise_layer_that_reads_signed_values_is_centred(
    overflow: str, mode: str, bits: int
) -> None:
    given = settings(
        PTQ, bits_activations=8, bits_parameters=8, quant_target="cpu", overflow=overflow
    )
    layers = linear_plan(net(), given, X).layers
    assert layers["3"].input == ActivationPlan(bits=8, mode=mode)
    assert layers["0"].input == ActivationPlan(bits=8, mode="ASYMMETRIC_UNSIGNED")
    assert layers["0"].weight is not None
    assert (layers["0"].weight.bits, layers["0"].weight.per_channel) == (bits, True)


class Twice(nn.Module):
    """A layer that runs twice, and one that does not run."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.idle = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.twice(self.twice(x))
        return result


def test_a_layer_whose_ranges_would_move_under_it_stays_in_float(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model, x = Twice(), torch.zeros(1, 2)
    with caplog.at_level(logging.WARNING):
        trained = linear_plan(model, settings(QAT, bits_activations=8, bits_weights=8), x)
    assert not trained.layers
    assert caplog.messages == [
        "twice stays in float: it runs 2 times in one pass",
        "idle stays in float: it runs 0 times in one pass",
    ]
    calibrated = linear_plan(model, settings(PTQ, bits_activations=8, bits_parameters=8), x)
    assert list(calibrated.layers) == ["twice"]


def test_trained_ranges_follow_the_batches() -> None:
    given = settings(QAT, bits_activations=8, bits_weights=8, ema_decay=0.9)
    assert linear_plan(net(), given, X).layers["0"].input == ActivationPlan(bits=8, decay=0.9)


class Clipped(nn.Module):
    """Two layers and both kinds of ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
        self.relu, self.relu6, self.leaky = nn.ReLU(), nn.ReLU6(), nn.LeakyReLU()


@pytest.mark.parametrize(
    ("class_name", "clip", "weight"),
    [
        ("DorefaQuantizer", ClipPlan(bits=4, alpha=1.0, learned=False), "dorefa"),
        ("WRPNQuantizer", ClipPlan(bits=4, alpha=1.0, learned=False), "wrpn"),
        ("PACTQuantizer", ClipPlan(bits=4, alpha=3.0, learned=True), "dorefa"),
    ],
)
def test_clipped_quantizers_cut_relus(class_name: str, clip: ClipPlan, weight: str) -> None:
    more = {"act_clip_init_val": 3.0} if clip.learned else {}
    given = settings(class_name, bits_activations=4, bits_weights=8, overflow="safe", **more)
    plan = clipped_plan(Clipped(), given)
    assert plan.activations == {"relu": clip, "relu6": clip}
    assert set(plan.layers) == {"a", "b"}
    made = plan.layers["a"].weight
    assert made is not None
    # Where integers are no whole range of theirs, fewer bits would not help.
    assert (made.kind, made.bits) == (weight, 7 if weight == "wrpn" else 8)


def test_a_range_is_found_as_the_nearest_setting_says() -> None:
    overrides = {
        "0": {"clip_acts": "AVG"},
        "2": {"input_overrides": {0: {"clip_acts": "N_STD", "clip_n_stds": 2}}},
    }
    given = settings(PTQ, bits_activations=8, clip_acts="GAUSS", overrides=overrides)
    bits = resolve_bits(net(), given.bits, given.overrides)
    assert clip_options("5.input_quantizer", bits, given)["clip_acts"] == "GAUSS"
    assert clip_options("0.input_quantizer", bits, given)["clip_acts"] == "AVG"
    second = clip_options("2.input_quantizer", bits, given)
    assert (second["clip_acts"], second["clip_n_stds"]) == ("N_STD", 2)
    # What the layer makes is not its input.
    assert clip_options("2.output_quantizer", bits, given)["clip_acts"] == "GAUSS"
