"""Which masked channels nobody would miss, and who keeps the others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.channels.group_state import (
    GroupState,
    find_group_state,
    in_order,
    over_group,
)
from vcc.compression.channels.trace import trace_channels
from vcc.compression.channels.zeros import zeros_read

CLIP = torch.randn(1, 2, 3, 3)
MASKED = torch.tensor([True, True, False, False])


class Net(nn.Module):
    """Two convolutions of four filters whose outputs are added, a norm, and a reader."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 4, 1, bias=False), nn.Conv2d(2, 4, 1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.reader = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.reader(self.norm(self.a(x) + self.b(x)).relu()).mean((2, 3))
        return result


def state_of(net: nn.Module, masked: dict[str, Tensor], number: int = 0) -> GroupState:
    """Return the state of one of a network's groups with filters masked and zeroed."""
    with torch.no_grad():
        for name, gone in masked.items():
            net.get_submodule(name).weight[gone] = 0
    group = trace_channels(net, CLIP)[number]
    return find_group_state(group, masked, zeros_read(net, masked, CLIP))


def silent_norm(net: Net) -> Net:
    with torch.no_grad():
        net.norm.weight[:2] = 0
        net.norm.bias[:2] = 0
    return net.eval()


def test_a_channel_goes_where_all_that_write_it_are_masked() -> None:
    state = state_of(silent_norm(Net()), {"a": MASKED, "b": torch.tensor([True] + 3 * [False])})
    assert state.removable.tolist() == [True, False, False, False]
    assert {name: each.tolist() for name, each in state.masked.items()} == {
        "a": [True, True, False, False],
        "b": [True, False, False, False],
    }
    assert state.reasons(MASKED) == {"coupled with b, which keeps the channel": 1}
    assert state.reasons(torch.tensor([True] + 3 * [False])) == {}


def test_a_norm_that_is_not_masked_keeps_the_channel() -> None:
    net = silent_norm(Net())
    with torch.no_grad():
        net.norm.bias[1] = 0.5
    state = state_of(net, {"a": MASKED, "b": MASKED})
    assert state.removable.tolist() == [True, False, False, False]
    assert state.reasons(MASKED) == {"weight and bias of norm are not masked with the filter": 1}


def test_a_bias_and_an_operation_without_zeros_are_told_apart() -> None:
    chain = [nn.Conv2d(2, 4, 1), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.Flatten(), nn.Linear(18, 2)]
    with torch.no_grad():
        chain[0].bias[:] = torch.tensor([0.0, 1.0, 1.0, 1.0])
    state = state_of(nn.Sequential(*chain), {"0": MASKED})
    assert state.removable.tolist() == [True, False, False, False]
    assert state.reasons(MASKED) == {"the bias of 0 is not masked with the filter": 1}
    chain[1] = nn.Sigmoid()
    assert state_of(nn.Sequential(*chain), {"0": MASKED}).reasons(MASKED) == {
        "an operation in front of 2 keeps no zeros": 1,
        "the bias of 0 is not masked with the filter": 1,
    }


def test_the_network_s_answers_and_what_cannot_be_cut_stay() -> None:
    net = silent_norm(Net())
    state = state_of(net, {"reader": torch.tensor([True, False])}, number=1)
    assert not state.removable.any()
    assert state.reasons(torch.tensor([True, False])) == {"they are the network's output": 1}
    stuck = nn.Sequential(
        nn.Conv2d(2, 4, 1, bias=False), nn.ConvTranspose2d(4, 2, 1), nn.Flatten(), nn.Linear(18, 2)
    )
    (reason,) = state_of(stuck, {"0": MASKED}).reasons(MASKED)
    assert reason == "coupled with 1, a ConvTranspose2d, which cannot be thinned"


def test_layers_without_masks_have_none_masked() -> None:
    state = state_of(silent_norm(Net()), {})
    assert not state.removable.any()
    assert [each.any().item() for each in state.masked.values()] == [False, False]


def test_each_layer_comes_after_those_it_follows() -> None:
    group = trace_channels(Net(), CLIP)[0]
    members = {member.name: member for member in reversed(group.writers)}
    assert next(iter(members)) == "norm"
    assert in_order(members)[-1] == "norm"


@pytest.mark.parametrize("absent", [True, False])
def test_a_channel_with_several_entries_holds_where_all_do(absent: bool) -> None:
    net = nn.Sequential(nn.Conv2d(2, 4, 1), nn.Flatten(), nn.Linear(36, 2))
    group = trace_channels(net, CLIP)[0]
    (reader,) = (member for member in group.members if member.reads)
    # Nine places of each of four channels.
    values = torch.ones(36, dtype=torch.bool)
    values[10] = False
    assert over_group(group, reader, values, absent=absent).tolist() == [True, False, True, True]
