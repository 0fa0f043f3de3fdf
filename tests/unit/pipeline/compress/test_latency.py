"""A network is timed as it will be exported: quantized where and how its schedule says."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest
import torch

from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.schedule import Schedule
from vcc.models.quantized.modules import ActivationQuantizer
from vcc.models.quantized.plan import read_plan
from vcc.models.quantized.plan_parts import QuantizationPlan
from vcc.pipeline.card import Network
from vcc.pipeline.compress.latency import measure_exported, quantized_on_noise


def quantizing(**arguments: Any) -> Schedule:
    """Return a schedule that prunes in epoch 0 and quantizes in epochs 2 and 3."""
    return load_schedule(
        {
            "pruners": {"p": {"class": "SensitivityPruner", "sensitivities": {"conv1.weight": 9}}},
            "quantizers": {"int8": {"class": "PostTrainLinearQuantizer", **arguments}},
            "policies": [
                {"pruner": {"instance_name": "p"}, "epochs": [0]},
                {"quantizer": {"instance_name": "int8"}, "epochs": [2, 3]},
            ],
        }
    )


def plan_of(network: Network, schedule: Schedule) -> QuantizationPlan:
    made = quantized_on_noise(network.model, network.card.clip_shape, schedule)
    plan = read_plan(made)
    assert plan is not None
    return plan


def test_the_schedule_s_overrides_hold_and_the_network_stays_as_it_is(network: Network) -> None:
    before = {name: value.clone() for name, value in network.model.state_dict().items()}
    everywhere = plan_of(network, quantizing(quant_target="cpu"))
    left = {"conv1": {"bits_activations": None, "bits_weights": None}}
    partly = plan_of(network, quantizing(quant_target="cpu", overrides=left))
    assert set(everywhere.layers) - set(partly.layers) == {"conv1"}
    assert read_plan(network.model) is None
    after = network.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize(
    ("arguments", "target", "bits"),
    [
        ({"quant_target": "tensorrt"}, "tensorrt", 8),
        ({"bits_parameters": 4}, "cpu", 4),
        (
            {
                "class": "QuantAwareTrainRangeLinearQuantizer",
                "bits_activations": 8,
                "bits_weights": 6,
                "quant_target": "cpu",
            },
            "cpu",
            6,
        ),
        ({"class": "PACTQuantizer", "bits_activations": 8, "bits_weights": 5}, "cpu", 5),
    ],
)
def test_each_kind_of_quantizer_is_the_schedule_s_own(
    network: Network, arguments: dict[str, Any], target: str, bits: int
) -> None:
    plan = plan_of(network, quantizing(**arguments))
    weight = plan.layers["layer1.0.conv1"].weight
    assert weight is not None
    assert (plan.target, weight.bits) == (target, bits)


def test_ranges_that_follow_training_have_seen_something(network: Network) -> None:
    schedule = quantizing(
        **{"class": "QuantAwareTrainRangeLinearQuantizer", "bits_activations": 8}, bits_weights=8
    )
    made = quantized_on_noise(network.model, network.card.clip_shape, schedule)
    found = [each for each in made.modules() if isinstance(each, ActivationQuantizer)]
    assert found
    assert all(float(each.steps) == 1 for each in found)


def test_a_guard_does_not_measure_here(network: Network) -> None:
    guarded = quantizing(quant_target="cpu", guard={"loss": 0.1})
    assert plan_of(network, guarded) == plan_of(network, quantizing(quant_target="cpu"))


def test_what_is_quantized_and_what_will_not_be_stay(network: Network) -> None:
    shape = network.card.clip_shape
    none = load_schedule({"policies": []})
    assert quantized_on_noise(network.model, shape, none) is network.model
    made = quantized_on_noise(network.model, shape, quantizing())
    assert quantized_on_noise(made, shape, quantizing(bits_parameters=4)) is made


@pytest.mark.slow
def test_the_file_that_is_timed_computes_on_integers(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    schedule = quantizing(quant_target="cpu")
    model = quantized_on_noise(network.model, network.card.clip_shape, schedule)
    latency = measure_exported(dataclasses.replace(network, model=model), "openvino")
    assert latency.precision == "int8"
    assert latency.p50_ms > 0
