"""Filter masks over groups of coupled channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.compression.thinning.group_masks import group_masks, prunable_members


class Sum(nn.Module):
    """Two layers whose channels are added, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 4, 1, bias=False), nn.Conv2d(1, 4, 1, bias=False)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head((self.a(x) + self.b(x)).flatten(1))
        return result


def groups_of(model: nn.Module) -> tuple[ChannelGroup, ...]:
    return trace_channels(model, torch.zeros(1, 1, 1, 1))


def model() -> Sum:
    net = Sum()
    with torch.no_grad():
        net.a.weight.copy_(torch.tensor([1.0, 2, 3, 4]).reshape(4, 1, 1, 1))
        net.b.weight.copy_(torch.tensor([400.0, 300, 150, 150]).reshape(4, 1, 1, 1))
    return net


def test_coupled_layers_lose_the_same_channels_by_their_mean_strength() -> None:
    masks = group_masks(groups_of(model()), lambda _: 0.5)
    # Relative to each layer's mean: 0.4, 0.8, 1.2, 1.6 and 1.6, 1.2, 0.6, 0.6.
    kept = {name: mask.flatten().tolist() for name, mask in masks.items()}
    assert kept["a.weight"] == kept["b.weight"]
    assert sum(kept["a.weight"]) == 2
    assert kept["a.weight"][2] is False
    assert masks["a.weight"].shape == (4, 1, 1, 1)
    # The head's rows are the network's answers.
    assert "head.weight" not in masks or bool(masks["head.weight"].all())


@pytest.mark.parametrize(
    ("sparsity", "round_to", "left"),
    [(0.0, 1, 4), (0.25, 1, 3), (0.49, 1, 3), (1.0, 1, 1), (0.5, 4, 4), (0.9, 2, 2), (0.9, 8, 4)],
)
def test_so_many_channels_are_left(sparsity: float, round_to: int, left: int) -> None:
    masks = group_masks(groups_of(model()), lambda _: sparsity, round_to=round_to)
    assert int(masks["a.weight"].sum()) == left


def test_answers_of_the_network_stay() -> None:
    members = [prunable_members(group) for group in groups_of(model())]
    names = {member.name for group in members for member in group}
    assert names == {"a", "b"}
