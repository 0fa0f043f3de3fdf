"""Whether a network still computes what it did: rounding passes, and nothing more."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.compression.channels.unchanged import Computed

CLIP = torch.zeros(2, 3, 2, 4, 4)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.Dropout(0.5), nn.Flatten())


def test_a_network_is_equal_to_itself_whatever_its_mode() -> None:
    model = network().train()
    before = Computed(model, CLIP)
    statistics = model[1].running_mean.clone()
    drawn = torch.get_rng_state()
    assert before.differs(model) == ""
    assert model.training
    assert torch.equal(model[1].running_mean, statistics)
    assert torch.equal(torch.get_rng_state(), drawn)


def test_a_clip_of_zeros_hides_nothing() -> None:
    model = network()
    before = Computed(model, CLIP)
    with torch.no_grad():
        model[0].weight[0] *= 1.5
    # a clip of zeros would give the bias alone, before and after
    assert before.differs(model).startswith("its outputs differ by ")


def test_rounding_is_no_difference() -> None:
    model = network()
    before = Computed(model, CLIP)
    with torch.no_grad():
        model[0].weight *= 1 + 1e-6
    assert before.differs(model) == ""


def test_what_no_longer_runs_or_has_another_shape_is_said_so() -> None:
    before = Computed(network(), CLIP)
    assert before.differs(nn.Linear(7, 1)).startswith("it no longer runs: ")
    assert before.differs(nn.Flatten()) == "its outputs have other shapes"


class Labels(nn.Module):
    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).argmax(dim=1) + self.shift


def test_integers_are_compared_exactly() -> None:
    before = Computed(Labels(0), CLIP)
    assert before.differs(Labels(0)) == ""
    assert before.differs(Labels(1)) == "its outputs differ"
