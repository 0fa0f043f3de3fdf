"""Biases make up for the shift of means, channel by channel."""

from __future__ import annotations

import torch
from mending_toys import CLIPS, calibrated

from vcc.compression.mending.bias import Outputs, correct_bias_, float_outputs
from vcc.compression.mending.passes import watch_layer
from vcc.models.quantized.plan import quantizers_by_layer


def batches() -> list[torch.Tensor]:
    return [CLIPS]


def test_means_are_those_of_the_float_network_afterwards() -> None:
    model, _ = calibrated(bits=3)
    wanted = float_outputs(model, {"first": 1, "second": 1, "last": 1}, batches)
    assert set(wanted) == {"first", "last"}, "the other has no bias"
    assert set(quantizers_by_layer(model)) == {"first", "second", "last"}

    shift = correct_bias_(model, "first", 1, batches, wanted["first"])

    assert shift > 0
    found = Outputs()
    watch_layer(model, "first", 1, batches, found.look)
    torch.testing.assert_close(found.mean(), wanted["first"].mean(), atol=1e-5, rtol=1e-4)


def test_outputs_have_a_mean_for_each_channel() -> None:
    model, _ = calibrated()
    outputs = Outputs()
    made = torch.tensor([[[[[1.0, 3.0]]], [[[5.0, 5.0]]]]])
    outputs.look(model.get_submodule("first"), made, made)
    assert outputs.mean().tolist() == [2, 5]
    assert outputs.deviation() == 0.5
    linear = Outputs()
    linear.look(model.get_submodule("last"), made, torch.tensor([[1.0, 2.0], [3.0, 2.0]]))
    assert linear.mean().tolist() == [2, 2]
