"""A wrapper and its network are one: the same parts, under the network's own names."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.spec import ModelSpec

SPEC = ModelSpec(family="python:somewhere:make", n_classes=2, sample_size=8, sample_duration=2)


class Own(nn.Module):
    """A parameter at the root, and code that asks for the mode."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.scale * x.mean((2, 3, 4)))
        return -found if self.training else found


@pytest.fixture
def wrapped() -> WrappedNetwork:
    return WrappedNetwork(SPEC, Own(), head_name="head")


def test_names_are_the_network_s(wrapped: WrappedNetwork) -> None:
    assert list(wrapped.state_dict()) == ["scale", "head.weight", "head.bias"]
    assert [name for name, _ in wrapped.named_modules()] == ["", "head"]


def test_the_mode_reaches_the_network(wrapped: WrappedNetwork) -> None:
    clip = torch.randn(1, 3, 2, 8, 8)

    assert torch.equal(wrapped.train()(clip), -wrapped.eval()(clip))


def test_what_is_replaced_in_one_is_replaced_in_the_other(wrapped: WrappedNetwork) -> None:
    wrapped.set_submodule("head", nn.Linear(3, 5))
    wrapped.to(torch.float64)

    assert wrapped.wrapped.head.out_features == 5
    assert wrapped(torch.randn(1, 3, 2, 8, 8).double()).shape == (1, 5)


def test_a_copy_is_whole(wrapped: WrappedNetwork) -> None:
    clip = torch.randn(1, 3, 2, 8, 8)
    before = wrapped(clip)
    twin = copy.deepcopy(wrapped)
    with torch.no_grad():
        twin.get_parameter("head.bias").add_(1)

    assert torch.equal(wrapped(clip), before)
    assert not torch.equal(twin(clip), before)


def test_a_name_that_the_wrapper_needs() -> None:
    network = nn.Sequential()
    network.add_module("spec", nn.Linear(3, 2))

    with pytest.raises(ModelError, match="'spec' needs another name"):
        WrappedNetwork(SPEC, network, head_name="spec")
