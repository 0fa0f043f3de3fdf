"""Groups of coupled channels: each channel of each layer in one, obstacles named, nothing left."""

from __future__ import annotations

import pytest
import torch
from models_tiny import tiny_clip, tiny_network
from torch import Tensor, nn

from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.trace import is_channel_maker, trace_channels, width
from vcc.errors import ScheduleError
from vcc.models.pixels import PixelClassifier


def test_every_filter_of_every_layer_is_in_one_group() -> None:
    # Shortcut A couples layers of 8, 16, 32 and 64 filters.
    model = tiny_network("resnet10a")
    written: dict[str, list[int]] = {}
    for group in trace_channels(model, tiny_clip()):
        for member in group.writers:
            written.setdefault(member.name, []).extend(member.indices.tolist())
    makers = [name for name, module in model.named_modules() if is_channel_maker(module)]
    assert {name: sorted(written[name]) for name in makers} == {
        name: list(range(width(model.get_submodule(name)))) for name in makers
    }


def test_members_say_who_reads_who_follows_and_what_ends() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.Flatten()
    )
    hidden, output = trace_channels(net, torch.zeros(2, 3, 1, 1))
    assert [(member.name, member.reads) for member in hidden.members] == [
        ("0", False),
        ("1", False),
        ("3", True),
    ]
    assert hidden.writers[0].reach.chain == hidden.writers[0].reach.followers == ("1",)
    assert not hidden.is_output
    assert output.is_output
    assert output.roots.tolist() == [0, 1, 2, 3, 4]


class Sum(nn.Module):
    """A norm behind a sum of two layers follows both, and is neither's alone."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.norm, self.head = nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.norm(self.a(x) + self.b(x)))
        return result


def test_what_follows_a_sum_is_in_nobody_s_chain() -> None:
    group = trace_channels(Sum(), torch.zeros(2, 3, 1, 1))[0]
    reaches = {member.name: member.reach for member in group.writers}
    assert [(reaches[name].chain, reaches[name].followers) for name in ("a", "b")] == [
        ((), ("norm",)),
        ((), ("norm",)),
    ]


class Scaled(nn.Module):
    """A parameter outside any layer has an entry for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, 4, 1, 1))
        self.a, self.head = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.a(x) * self.scale)
        return result


def with_middle(layer: nn.Module, flat: int = 4) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 1), layer, nn.Flatten(), nn.Linear(flat, 2))


@pytest.mark.parametrize(
    ("net", "obstacle"),
    [
        (with_middle(nn.ConvTranspose2d(4, 4, 1)), "coupled with 1, a ConvTranspose2d, which"),
        (with_middle(nn.LayerNorm([4, 1, 1])), "coupled with 1, a LayerNorm over positions too"),
        (Scaled(), ""),
        (with_middle(nn.GroupNorm(2, 4)), ""),
    ],
)
def test_what_cannot_be_cut_is_an_obstacle(net: nn.Module, obstacle: str) -> None:
    found = trace_channels(net, torch.zeros(1, 3, 1, 1))[0].obstacle
    assert found.startswith(obstacle)
    assert bool(found) == bool(obstacle)


def test_groups_of_one_filter_with_several_inputs_are_refused_by_name() -> None:
    net = nn.Sequential(nn.Conv2d(4, 2, 1, groups=2))
    with pytest.raises(ScheduleError, match="^0: 2 groups of one filter with several inputs each"):
        trace_channels(net, torch.zeros(1, 4, 1, 1))


def test_a_network_that_the_library_cannot_read_is_one_line() -> None:
    class Bare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> list[str]:
            self.conv(x)
            return ["no tensor"]

    with pytest.raises(UntraceableError, match="channels of this network cannot be traced") as info:
        trace_channels(Bare(), torch.zeros(1, 3, 1, 1))
    assert "\n" not in str(info.value)


@pytest.mark.parametrize(
    ("layer", "out", "read"),
    [
        (nn.Conv3d(3, 4, 1), 4, 3),
        (nn.Linear(5, 6), 6, 5),
        (nn.BatchNorm3d(7), 7, 7),
        (nn.GroupNorm(2, 8), 8, 8),
        (nn.LayerNorm(9), 9, 9),
        (nn.PReLU(10), 10, 10),
    ],
)
def test_widths(layer: nn.Module, out: int, read: int) -> None:
    assert (width(layer), width(layer, reads=True)) == (out, read)
    with pytest.raises(TypeError, match="ReLU has no channels"):
        width(nn.ReLU())


def names(model: nn.Module) -> list[tuple[str, ...]]:
    """Return the layers of each group."""
    clip = tiny_clip()
    return [tuple(m.name for m in group.writers) for group in trace_channels(model, clip)]


def test_the_network_is_left_as_it_was() -> None:
    model = tiny_network("resnet10a").train()
    model.layer1.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    names(model)
    assert model.training
    assert not model.layer1.training
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_frozen_layers_and_no_grad_do_not_hide_anything() -> None:
    model = tiny_network("csn26ir")
    expected = names(model)
    model.requires_grad_(False)
    with torch.no_grad():
        assert names(model) == expected


def test_wrapped_networks_have_longer_names() -> None:
    model = PixelClassifier(tiny_network("resnet10a"), mean=(0, 0, 0), std=(1, 1, 1)).double()
    assert "network.conv1" in names(model)[0]


def test_an_input_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ScheduleError, match=r"does not run on the example input \(1, 2, 4"):
        trace_channels(tiny_network("resnet10a"), torch.zeros(1, 2, 4, 8, 8).double())
