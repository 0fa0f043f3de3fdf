"""Which channels go: the weakest, and of every group of a grouped convolution as many."""

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from models_tiny import tiny_clip, tiny_network
from scipy.optimize import milp
from torch import Tensor, nn

from vcc.compression.channels.grouped import equalised
from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.compression.channels.weakest import _SOLVER, weakest_channels


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def chain() -> tuple[ChannelGroup, ...]:
    """Return the channels of two grouped convolutions in a row: halves, then halves and thirds."""
    net = nn.Sequential(
        nn.Conv2d(3, 12, 1),
        nn.Conv2d(12, 12, 1, groups=2),
        nn.Conv2d(12, 6, 1, groups=3),
        nn.Flatten(),
        nn.Linear(6, 2),
    )
    return trace_channels(net, torch.randn(1, 3, 1, 1))


def chosen(groups: tuple[ChannelGroup, ...], name: str, dead: list[Tensor]) -> list[int]:
    """Return which filters of a layer go."""
    for group, gone in zip(groups, dead, strict=True):
        for member in group.writers:
            if member.name == name:
                return member.indices[gone[group.positions(member)]].tolist()
    raise AssertionError(name)


def test_without_grouped_convolutions_exactly_the_weakest_go() -> None:
    net = nn.Sequential(nn.Conv2d(3, 5, 1), nn.Conv2d(5, 4, 1), nn.Flatten(), nn.Linear(4, 2))
    groups = trace_channels(net, torch.randn(1, 3, 1, 1))
    scores = [torch.tensor([5.0, 1, 4, 2, 3]), torch.tensor([1.0, 1, 1, 1]), torch.zeros(2)]
    dead = weakest_channels(groups, scores, [2, 1, 0])
    assert chosen(groups, "0", dead) == [1, 3]
    assert [int(gone.sum()) for gone in dead] == [2, 1, 0]


def test_every_group_loses_its_weakest() -> None:
    groups = chain()
    scores = [torch.arange(float(len(group.roots))) for group in groups]
    dead = weakest_channels(groups, scores, [6, 6, 3, 0])
    assert chosen(groups, "0", dead) == [0, 1, 2, 6, 7, 8]
    # Halves of 6 lose 3 each and thirds of 4 lose 2 each.
    assert [n // 6 for n in chosen(groups, "1", dead)] == [0, 0, 0, 1, 1, 1]
    assert [n // 4 for n in chosen(groups, "1", dead)] == [0, 0, 1, 1, 2, 2]
    assert chosen(groups, "2", dead) == [0, 2, 4]


def test_fewer_go_where_groups_cannot_lose_the_same() -> None:
    groups = chain()
    scores = [torch.rand(len(group.roots)) for group in groups]
    # Of 12 channels a multiple of 6 goes, or none: halves and thirds lose the same.
    counts = [int(gone.sum()) for gone in weakest_channels(groups, scores, [5, 5, 2, 0])]
    assert counts == [4, 0, 0, 0]


def test_no_group_loses_everything() -> None:
    groups = chain()
    scores = [torch.rand(len(group.roots)) for group in groups]
    dead = weakest_channels(groups, scores, [11, 11, 5, 0])
    assert [int(gone.sum()) for gone in dead] == [10, 6, 3, 0]


def test_a_solver_that_finds_nothing_says_so(caplog: pytest.LogCaptureFixture) -> None:
    groups = chain()
    scores = [torch.rand(len(group.roots)) for group in groups]
    found_none = SimpleNamespace(x=None)
    with mock.patch("vcc.compression.channels.weakest.milp", return_value=found_none):
        dead = weakest_channels(groups, scores, [6, 6, 3, 0])
    assert [int(gone.sum()) for gone in dead] == [0, 0, 0, 0]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    for layer in "012":
        assert f"no filter of {layer} is pruned: within 10000 branches" in caplog.text


def test_the_solver_is_limited_in_every_call() -> None:
    groups = chain()
    scores = [torch.arange(float(len(group.roots))) for group in groups]
    with mock.patch("vcc.compression.channels.weakest.milp", side_effect=milp) as solver:
        for _ in range(2):
            weakest_channels(groups, scores, [6, 6, 3, 0])
    assert len({id(call.kwargs["options"]) for call in solver.call_args_list}) > 1
    assert _SOLVER == {"mip_rel_gap": 1e-3, "node_limit": 10_000}


@pytest.mark.parametrize("variant", ["shufflenetg3", "shufflenetg8", "resnext50b"])
def test_all_that_is_chosen_can_go_and_it_is_most_of_what_was_asked(variant: str) -> None:
    groups = trace_channels(tiny_network(variant), tiny_clip())
    sizes = [0 if group.is_output else len(group.roots) for group in groups]
    scores = [torch.rand(len(group.roots)) for group in groups]
    counts = [size // 2 for size in sizes]
    dead = weakest_channels(groups, scores, counts)
    assert all(torch.equal(*pair) for pair in zip(equalised(groups, dead), dead, strict=True))
    going = [int(gone.sum()) for gone in dead]
    assert all(count <= most for count, most in zip(going, counts, strict=True))
    assert sum(going) >= 0.9 * sum(counts)
