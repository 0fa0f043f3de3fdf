"""Channels are traced once per structure, and copies of a network need no tracing of their own."""

from __future__ import annotations

import copy

import pytest
import torch
from models_tiny import tiny_clip, tiny_network

from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.compression.channels.trace_cache import TracedChannels, groups_of_copy
from vcc.errors import ScheduleError


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_the_network_is_traced_when_first_asked_and_again_when_it_was_forgotten() -> None:
    asked: list[int] = []

    def trace() -> list[ChannelGroup]:
        asked.append(1)
        return []

    channels = TracedChannels(trace)
    assert asked == []
    assert channels.groups() == channels.groups() == ()
    assert len(asked) == 1
    channels.forget()
    channels.groups()
    assert len(asked) == 2


def test_what_cannot_be_traced_is_tried_once_per_structure() -> None:
    asked: list[int] = []

    def trace() -> list[ChannelGroup]:
        asked.append(1)
        msg = "a walk without end"
        raise UntraceableError(msg)

    channels = TracedChannels(trace)
    for _ in range(2):
        with pytest.raises(UntraceableError, match="a walk without end"):
            channels.groups()
    assert len(asked) == 1
    channels.forget()
    with pytest.raises(UntraceableError):
        channels.groups()
    assert len(asked) == 2


def test_another_error_is_not_remembered() -> None:
    answers = [ScheduleError("the network does not run"), None]

    def trace() -> list[ChannelGroup]:
        error = answers.pop(0)
        if error is not None:
            raise error
        return []

    channels = TracedChannels(trace)
    with pytest.raises(ScheduleError, match="does not run"):
        channels.groups()
    assert channels.groups() == ()


def test_groups_of_a_copy_are_those_that_tracing_it_gives() -> None:
    model = tiny_network("resnet10a")
    twin = copy.deepcopy(model)
    found = groups_of_copy(trace_channels(model, tiny_clip()), twin)
    expected = trace_channels(twin, tiny_clip())
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.equal(mine.roots, theirs.roots)
        for one, other in zip(mine.members, theirs.members, strict=True):
            assert one.module is other.module is twin.get_submodule(one.name)
            assert torch.equal(one.indices, other.indices)
            assert one.reach == other.reach
