"""A network's groups of channels, traced once for as long as its structure stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor, nn

from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.trace import ChannelGroup, trace_channels


class TracedChannels:
    """A network's groups of channels, traced when they are first asked for.

    The engine owns one for the network that it compresses, gives it to whatever asks about
    channels, and lets it forget when the structure changes. A network that cannot be traced is
    tried once, too.

    Args:
        trace: returns the groups of the network as it is.
    """

    def __init__(self, trace: Callable[[], Sequence[ChannelGroup]]) -> None:
        self._trace = trace
        self._groups: tuple[ChannelGroup, ...] | None = None
        self._error: UntraceableError | None = None

    @classmethod
    def of(cls, model: nn.Module, example_input: Tensor) -> TracedChannels:
        """Return the channels of a network that accepts a batch like `example_input`."""
        # The network may have moved by the time that it is traced.
        return cls(lambda: trace_channels(model, example_input.to(next(model.parameters()).device)))

    def groups(self) -> tuple[ChannelGroup, ...]:
        """Return the groups, as they were when first asked for.

        Raises:
            ScheduleError: the network does not run on the example input, or cannot be traced.
        """
        if self._error is not None:
            raise self._error
        if self._groups is None:
            try:
                self._groups = tuple(self._trace())
            except UntraceableError as error:
                self._error = error
                raise
        return self._groups

    def forget(self) -> None:
        """Trace again when next asked: the structure of the network changed."""
        self._groups, self._error = None, None


def groups_of_copy(groups: Sequence[ChannelGroup], copy: nn.Module) -> tuple[ChannelGroup, ...]:
    """Return the groups of a copy of the network that `groups` are of.

    Args:
        groups: of `trace_channels`.
        copy: a network of the same structure, its layers of the same names.
    """
    modules = dict(copy.named_modules())
    return tuple(
        replace(
            group,
            members=tuple(replace(m, module=modules[m.name]) for m in group.members),
        )
        for group in groups
    )
