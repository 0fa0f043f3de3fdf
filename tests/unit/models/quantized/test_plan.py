"""Plans, applied to a network and read back from it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vcc.config.overflow import FAST, SAFE
from vcc.errors import ModelError
from vcc.models.quantized.modules import QuantConv3d, QuantLinear
from vcc.models.quantized.plan import (
    activation_quantizers,
    apply_plan,
    describe_quantizers,
    float_layers,
    overflow_of_network,
    quantized_class,
    quantizers_by_layer,
    read_plan,
    rebuild_quantizers,
    set_quantizers,
)
from vcc.models.quantized.plan_parts import (
    ActivationPlan,
    ClipPlan,
    LayerPlan,
    QuantizationPlan,
    WeightPlan,
)

WEIGHT = WeightPlan(kind="range", bits=8, per_channel=True)
ACTIVATION = ActivationPlan(bits=8)
PLAN = QuantizationPlan(
    layers={
        "0": LayerPlan(weight=WEIGHT, input=ACTIVATION),
        "3": LayerPlan(weight=WEIGHT, output=ACTIVATION),
    },
    entries={"2": ACTIVATION},
    activations={"1": ClipPlan(bits=4, alpha=6.0, learned=False)},
)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))


def quantized(plan: QuantizationPlan = PLAN) -> nn.Sequential:
    model = network()
    apply_plan(model, plan)
    return model


def test_a_network_says_the_plan_that_it_got() -> None:
    assert read_plan(quantized()) == PLAN
    assert read_plan(network()) is None
    assert describe_quantizers(network()) is None


def test_a_described_network_is_rebuilt() -> None:
    data = describe_quantizers(quantized())
    assert data is not None
    model = network()
    rebuild_quantizers(model, data)
    assert read_plan(model) == PLAN


def test_parameters_stay_the_same_objects_and_the_mode_too() -> None:
    model = network().eval()
    weights = [model[0].weight, model[3].weight]
    apply_plan(model, PLAN)
    assert isinstance(model[0], QuantConv3d)
    assert isinstance(model[3], QuantLinear)
    assert [model[0].weight is weights[0], model[3].weight is weights[1]] == [True, True]
    assert not any(module.training for module in model[0].modules())


def test_a_layer_used_twice_is_quantized_once() -> None:
    shared = nn.Linear(2, 2)
    model = nn.Sequential(shared, nn.Sequential(shared))
    apply_plan(model, QuantizationPlan(layers={"0": LayerPlan(weight=WEIGHT)}))
    assert model[0] is model[1][0]


def test_an_entry_quantizes_what_a_block_reads() -> None:
    model = quantized().eval()
    entry = activation_quantizers(model)["2.entry_quantizer"]
    entry.set_range(0.0, 1.0)
    seen: list[Tensor] = []
    model[2].register_forward_hook(lambda _, args, __: seen.append(args[0]))
    model(torch.full((1, 3, 1, 1, 1), 100.0))
    assert seen[0].max() <= 1.0


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"layers": {"nine": LayerPlan(weight=WEIGHT)}}, "name the module 'nine', which the netw"),
        ({"layers": {"1": LayerPlan(weight=WEIGHT)}}, "1 is a ReLU, which cannot be quantized"),
        ({"entries": {"nine": ACTIVATION}}, "name the module 'nine'"),
        ({"activations": {"9": ClipPlan(bits=4, alpha=1.0, learned=False)}}, "the module '9'"),
    ],
)
def test_a_plan_of_another_network_is_refused(plan: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        apply_plan(network(), QuantizationPlan(**plan))


def test_a_class_that_only_sets_arguments_is_as_its_base() -> None:
    class Simple(nn.Conv3d):
        def __init__(self) -> None:
            super().__init__(1, 1, 1)

    class Other(nn.Conv3d):
        def forward(self, x: Tensor) -> Tensor:
            return x

    assert quantized_class(Simple()) is QuantConv3d
    assert quantized_class(Other(1, 1, 1)) is None
    assert quantized_class(nn.ReLU()) is None
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    assert quantized_class(normed) is None
    patched = nn.Linear(2, 2)
    patched.forward = lambda x: 2 * x  # type: ignore[method-assign]
    assert quantized_class(patched) is None


def test_layers_in_float_are_named() -> None:
    assert float_layers(network()) == ("0", "3")
    assert float_layers(quantized(QuantizationPlan(layers={"0": PLAN.layers["0"]}))) == ("3",)
    # Quantizers of what goes in and out leave a weight in float.
    only_input = QuantizationPlan(layers={"3": LayerPlan(input=ACTIVATION)})
    assert float_layers(quantized(only_input)) == ("0", "3")


def test_quantizers_go_back_to_float_and_come_again() -> None:
    model = quantized()
    by_layer = quantizers_by_layer(model)
    assert {name: list(parts) for name, parts in by_layer.items()} == {
        "0": ["input_quantizer", "weight_quantizer"],
        "2": ["entry_quantizer"],
        "3": ["weight_quantizer", "output_quantizer"],
    }
    for name in by_layer:
        set_quantizers(model, name, None)
    assert quantizers_by_layer(model) == {}
    assert model(torch.zeros(1, 3, 1, 1, 1)).shape == (1, 2)
    for name, parts in by_layer.items():
        set_quantizers(model, name, parts)
    assert read_plan(model) == PLAN


@pytest.mark.parametrize(
    ("bits", "target", "overflow"),
    [(7, "cpu", SAFE), (8, "cpu", FAST), (8, "tensorrt", None)],
)
def test_the_integers_say_whether_they_can_overflow(
    bits: int, target: str, overflow: str | None
) -> None:
    layer = LayerPlan(weight=WeightPlan(kind="range", bits=bits))
    model = quantized(QuantizationPlan(target=target, layers={"0": layer}))
    assert overflow_of_network(model) == overflow
    assert overflow_of_network(network()) is None
