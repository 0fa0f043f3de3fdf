"""Where activation quantizers stand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.compression.quantization.placement import place_quantizers


class Block(nn.Module):
    """A residual block whose shortcut is its input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.folded = nn.Identity()
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.folded(self.conv(x)) + x)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.ReLU(), Block(), nn.Conv2d(2, 2, 1), nn.Flatten(), nn.Linear(2, 2)
    )


def test_both_inputs_of_a_sum_are_quantized_once() -> None:
    found = place_quantizers(network(), torch.zeros(1, 1, 1, 1))
    # What the block's convolution makes, behind its folded BatchNorm too, and the block's input.
    assert found.outputs == ["2.conv"]
    assert found.entries == ["2"]
    # Its first layer reads what is quantized already.
    assert found.inputs == ["0", "3", "5"]
    assert dict(found.calls) == {"0": 1, "2.conv": 1, "3": 1, "5": 1}


def test_a_layer_right_behind_a_layer_reads_signed_values() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1))
    assert place_quantizers(model, torch.zeros(1, 1, 1, 1)).signed == ["1"]


def test_a_layer_that_runs_twice_or_never_is_counted_so() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared, self.idle = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.shared(self.shared(x))
            return result

    calls = place_quantizers(Twice(), torch.zeros(1, 2)).calls
    assert (calls["shared"], calls["idle"]) == (2, 0)


def test_the_network_is_left_as_it_was() -> None:
    model = network().train()
    place_quantizers(model, torch.zeros(1, 1, 1, 1))
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
