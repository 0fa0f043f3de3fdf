"""Fake-quantization modules: tracked ranges, layers, and clipped activations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.models.quantized.arithmetic import ASYMMETRIC_UNSIGNED
from vcc.models.quantized.modules import ActivationQuantizer, ClippedActivation, QuantConv3d
from vcc.models.quantized.plan import apply_plan
from vcc.models.quantized.plan_parts import (
    ActivationPlan,
    ClipPlan,
    LayerPlan,
    QuantizationPlan,
    WeightPlan,
)

X = torch.tensor([[-1.0, 0.2, 3.0]])


def activation(**changes: object) -> ActivationQuantizer:
    return ActivationQuantizer(ActivationPlan(**{"bits": 8, **changes}))  # type: ignore[arg-type]


def test_before_a_range_is_seen_the_input_passes() -> None:
    assert activation().eval()(X) is X
    assert activation(decay=0.9).eval()(X) is X
    # Without a decay training tracks nothing.
    assert activation().train()(X) is X


def test_a_set_range_cuts_and_rounds() -> None:
    quantizer = activation(bits=2, mode=ASYMMETRIC_UNSIGNED)
    quantizer.set_range(0.0, 3.0)
    assert quantizer(torch.tensor([-1.0, 0.4, 0.6, 1.2, 9.0])).tolist() == [0, 0, 1, 1, 3]


def test_a_symmetric_range_reaches_as_far_below() -> None:
    quantizer = activation()
    quantizer.set_range(-1.0, 3.0)
    assert quantizer(torch.tensor([-9.0, 9.0])).tolist() == pytest.approx([-3.0, 3.0], abs=0.02)


def test_gradients_stop_outside_the_range() -> None:
    quantizer = activation(mode=ASYMMETRIC_UNSIGNED)
    quantizer.set_range(0.0, 1.0)
    x = torch.tensor([-1.0, 0.5, 2.0], requires_grad=True)
    quantizer(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_training_follows_the_ranges_and_evaluation_keeps_them() -> None:
    quantizer = activation(decay=0.5).train()
    quantizer(torch.tensor([-1.0, 1.0]))
    assert (quantizer.low.item(), quantizer.high.item()) == (-1.0, 1.0)
    quantizer(torch.tensor([-1.0, 4.0]))
    # Of both batches, without the zero that the average began with: (1 + 2 * 4) / 3.
    assert quantizer.high.item() == pytest.approx(3.0)
    quantizer.eval()(torch.tensor([-50.0, 50.0]))
    assert quantizer.high.item() == pytest.approx(3.0)


def test_an_observer_passes_its_input_and_tracks_nothing() -> None:
    quantizer = activation(decay=0.5).train()
    quantizer.observing = True
    assert quantizer(X) is X
    assert quantizer.steps.item() == 0


def test_a_range_comes_back_from_a_file() -> None:
    quantizer = activation(mode=ASYMMETRIC_UNSIGNED)
    quantizer.set_range(-1.0, 3.0)
    again = activation(mode=ASYMMETRIC_UNSIGNED).eval()
    again.load_state_dict(quantizer.state_dict())
    assert torch.equal(again(X), quantizer(X))
    assert torch.equal(again.export_scale, quantizer.export_scale)
    assert torch.equal(again.export_zero, quantizer.export_zero)


@pytest.mark.parametrize("learned", [False, True])
def test_a_clip_is_a_parameter_only_where_it_is_learned(learned: bool) -> None:
    clipped = ClippedActivation(ClipPlan(bits=2, alpha=3.0, learned=learned)).eval()
    assert clipped(torch.tensor([-1.0, 0.4, 1.6, 9.0])).tolist() == [0, 0, 2, 3]
    assert bool(list(clipped.parameters())) is learned
    assert list(clipped.state_dict()) == ["clip_val"]
    assert clipped.export_scale.item() == pytest.approx(1.0)


def test_a_learned_clip_gets_the_gradient_of_what_it_cuts() -> None:
    clipped = ClippedActivation(ClipPlan(bits=8, alpha=1.0, learned=True))
    clipped(torch.tensor([-1.0, 0.5, 2.0, 3.0])).sum().backward()
    assert clipped.clip_val.grad is not None
    assert clipped.clip_val.grad.tolist() == pytest.approx([2.0], abs=0.02)


def layer() -> QuantConv3d:
    model = nn.Sequential(nn.Conv3d(1, 2, 1))
    plan = LayerPlan(
        weight=WeightPlan(kind="range", bits=8),
        bias=WeightPlan(kind="range", bits=4),
        output=ActivationPlan(bits=8, mode=ASYMMETRIC_UNSIGNED),
    )
    apply_plan(model, QuantizationPlan(layers={"0": plan}))
    made = model[0]
    assert isinstance(made, QuantConv3d)
    return made


def test_a_layer_computes_with_its_quantized_parts() -> None:
    conv = layer().eval()
    x = torch.rand(1, 1, 2, 2, 2)
    assert conv.input_quantizer is None
    assert conv.weight_quantizer is not None
    assert conv.bias_quantizer is not None
    plain = nn.functional.conv3d(
        x, conv.weight_quantizer(conv.weight), conv.bias_quantizer(conv.bias)
    )
    assert torch.equal(conv(x), plain)
    conv.output_quantizer.set_range(0.0, 0.1)
    assert conv(x).max() <= 0.1 + 1e-6


def test_evaluation_brings_the_exported_constants_up_to_date() -> None:
    conv = layer().eval()
    quantizer = conv.weight_quantizer
    assert quantizer is not None
    nn.init.constant_(conv.weight, 0.5)
    conv.train()
    assert quantizer.export_levels.unique().numel() != 1
    conv.eval()
    assert quantizer.export_levels.unique().tolist() == [127]
