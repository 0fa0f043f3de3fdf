"""An optimizer in use follows what quantization does to a network's parameters."""

from __future__ import annotations

import torch
from torch import nn

from vcc.compression.policies.quantization import group_clips, renew_parameters


class Clipped(nn.Module):
    """A layer and a learned clip."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.clip_val = nn.Parameter(torch.ones(1))


def test_parameters_that_left_go_and_those_that_came_stand_in_the_network_s_order() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(4, 2)).sum().backward()
    optimizer.step()
    before = list(model.parameters())
    kept = {id(model[0].weight), id(model[2].weight), id(model[2].bias)}
    model[0].bias = nn.Parameter(torch.zeros(2))
    model[1] = nn.Identity()
    renew_parameters(optimizer, model, before)
    held = optimizer.param_groups[0]["params"]
    assert [id(each) for each in held] == [id(each) for each in model.parameters()]
    assert {id(each) for each in optimizer.state} == kept


def test_clips_have_a_group_of_their_own_whether_they_come_or_were_there() -> None:
    model = Clipped()
    for parameters in (model.parameters(), model.fc.parameters()):
        optimizer = torch.optim.SGD(parameters, lr=0.1, weight_decay=0.5)
        for _ in range(2):
            group_clips(optimizer, model, 0.01)
        weights, clips = optimizer.param_groups
        assert [id(each) for each in clips["params"]] == [id(model.clip_val)]
        assert (clips["lr"], clips["weight_decay"], weights["weight_decay"]) == (0.1, 0.01, 0.5)
        assert len(weights["params"]) == 2


def test_clips_keep_the_weights_decay_and_a_network_without_any_its_groups() -> None:
    optimizer = torch.optim.SGD(Clipped().parameters(), lr=0.1, weight_decay=0.5)
    group_clips(optimizer, nn.Linear(1, 1), 0.01)
    assert len(optimizer.param_groups) == 1
    model = Clipped()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.5)
    group_clips(optimizer, model, None)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.5, 0.5]
