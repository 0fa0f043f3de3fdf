"""Channels are followed through pads, shuffles and splits, to the number that they have there."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.models.layers import ChannelPad, ChannelShuffle, ChannelSplit
from vcc.models.norms import ThinnedGroupNorm

CLIP = torch.randn(1, 2, 2, 3, 3)


def read_by(groups: tuple[ChannelGroup, ...], writer: str, reader: str) -> dict[int, int]:
    """Return filter of a layer -> input channel of another that it is."""
    (group,) = (group for group in groups if any(m.name == writer for m in group.writers))
    by_root = {}
    for member in group.members:
        if member.name in (writer, reader) and member.reads == (member.name == reader):
            by_root[member.name] = dict(
                zip(member.roots.tolist(), member.indices.tolist(), strict=True)
            )
    return {filter_: by_root[reader].get(root, -1) for root, filter_ in by_root[writer].items()}


class Padded(nn.Module):
    """A convolution of three filters, padded to five channels and added to one of five."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Conv3d(2, 3, 1), nn.Conv3d(2, 5, 1)
        self.pad = ChannelPad(3, 5)
        self.reader = nn.Conv3d(5, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        both = self.pad(self.narrow(x)) + self.wide(x)
        result: Tensor = self.reader(both).mean((2, 3, 4))
        return result


def test_padding_keeps_the_leading_channels_and_couples_no_others() -> None:
    groups = trace_channels(Padded(), CLIP)
    assert read_by(groups[:1], "narrow", "reader") == {0: 0, 1: 1, 2: 2}
    # The two channels that are padding on the other side.
    alone = [group for group in groups if [m.name for m in group.writers][:1] == ["wide"]]
    assert [group.roots.tolist() for group in alone] == [[3, 4]]


class Shuffled(nn.Module):
    """A convolution of six filters, shuffled, split four to two, and two readers."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = nn.Conv3d(2, 6, 1)
        self.shuffle = ChannelShuffle(6, 2)
        self.split = ChannelSplit(4, 2)
        self.first, self.second = nn.Conv3d(4, 2, 1), nn.Conv3d(2, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        four, two = self.split(self.shuffle(self.maker(x)))
        result: Tensor = (self.first(four) + self.second(two)).mean((2, 3, 4))
        return result


def test_shuffles_and_splits_renumber_channels() -> None:
    model = Shuffled()
    # Output k of the shuffle is input order[k]; the first four go one way, the others another.
    order = (0, 3, 1, 4, 2, 5)
    assert model.shuffle.order == order
    groups = trace_channels(model, CLIP)
    firsts = read_by(groups, "maker", "first")
    assert {filter_: at for filter_, at in firsts.items() if at >= 0} == {
        order[k]: k for k in range(4)
    }
    seconds = read_by(groups, "maker", "second")
    assert {filter_: at for filter_, at in seconds.items() if at >= 0} == {
        order[k]: k - 4 for k in (4, 5)
    }


def test_an_order_of_its_own_is_followed_too() -> None:
    model = Shuffled()
    model.shuffle.set_order([5, 4, 3, 2, 1, 0])
    firsts = read_by(trace_channels(model, CLIP), "maker", "first")
    assert {filter_: at for filter_, at in firsts.items() if at >= 0} == {5: 0, 4: 1, 3: 2, 2: 3}


def test_a_norm_that_lost_channels_is_seen_as_a_layer() -> None:
    weight, bias = nn.Parameter(torch.ones(3)), nn.Parameter(torch.zeros(3))
    norm = ThinnedGroupNorm(weight, bias, width=2, groups=(0, 0, 1), eps=1e-5)
    model = nn.Sequential(nn.Conv3d(2, 3, 1), norm, nn.Conv3d(3, 2, 1), nn.Flatten())
    group = trace_channels(model, CLIP)[0]
    assert [member.name for member in group.writers] == ["0", "1"]
    assert not group.obstacle
