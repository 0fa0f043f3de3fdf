"""Groups of channels that stay or go together, read off Torch-Pruning's dependency graph.

Two things are done here and not left to that library. Its enumeration marks a layer visited when
a group touched some of its channels, and so never offers the rest where layers of different width
are coupled (1408 of ResNet-18's 1984 filters with shortcut A): groups are enumerated per layer,
for the channels that no group has yet. And it does not say in which order members follow each
other: that is walked here, because a channel is zero only as far as nothing makes it non-zero
again.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from vcc.compression.channels.maps import MOVERS, map_movers, register_movers
from vcc.compression.channels.steps import UntraceableError, limit_steps
from vcc.errors import ScheduleError, one_line
from vcc.models.layers import ChannelPad, is_depthwise
from vcc.models.modes import evaluating

_SLICEABLE = (_ConvNd, nn.Linear, _BatchNorm, *MOVERS)

# Autograd's names of operations that turn a zero channel into a zero channel. `add` and `sub`
# only count with two tensors: adding a constant does not keep zeros.
_KEEPS_ZERO = re.compile(
    r"relu|hardtanh|elu|gelu|silu|hardswish|tanh|pool|dropout|mul|div|add|sub|mean|sum|pad|view"
    r"|reshape|squeeze|permute|transpose|clone|copy|contiguous|fakequant"
)

# Those that the pattern would take for others, although they add to zeros or take from one.
_ADDS = re.compile(r"rsub|addc|addmm|addbmm|addr|logsumexp|logaddexp|logcumsumexp")


@dataclass(frozen=True)
class Reach:
    """Where a layer's output channels go.

    Attributes:
        chain: layers with the same channels, by the same numbers, that follow it and nothing else.
        followers: those, and those behind a sum with other layers' outputs or a shuffle.
        exposed: whether something else reads them: a layer that mixes channels.
        ends: whether they reach the network's output.
        barrier: an operation on the way that does not keep zeros, or "".
    """

    chain: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()
    exposed: bool = False
    ends: bool = False
    barrier: str = ""


@dataclass(frozen=True)
class Member:
    """A layer's share in a group.

    Attributes:
        name: dotted module name.
        module: the layer.
        reads: whether these are channels of its input only. A BatchNorm, a depthwise convolution,
            zero padding and shuffles keep channels apart: theirs count as written.
        indices: its own channel numbers, [k].
        roots: the group's channel behind each, [k].
        reach: where written channels go.
    """

    name: str
    module: nn.Module
    reads: bool
    indices: Tensor
    roots: Tensor
    reach: Reach


@dataclass(frozen=True)
class ChannelGroup:
    """Channels of several layers that go together, one by one.

    Attributes:
        roots: the channels, numbered as in the layer they were found at; ascending, [n].
        members: every layer that has them, in order of definition.
        obstacle: why none can go, or "".
    """

    roots: Tensor
    members: tuple[Member, ...]
    obstacle: str = ""

    def positions(self, member: Member) -> Tensor:
        """Return where in `roots` each of the member's channels is, [k]."""
        return torch.searchsorted(self.roots, member.roots)

    @property
    def writers(self) -> tuple[Member, ...]:
        """Members that these are output channels of."""
        return tuple(member for member in self.members if not member.reads)

    @property
    def is_output(self) -> bool:
        """Whether these channels are the network's output."""
        return any(member.reach.ends for member in self.writers)


def is_channel_maker(module: nn.Module) -> bool:
    """Return whether a module has filters: a convolution or a linear layer."""
    return isinstance(module, _ConvNd | nn.Linear)


def trace_channels(model: nn.Module, example_input: Tensor) -> tuple[ChannelGroup, ...]:
    """Return the groups of channels of a model, each channel of each layer in one.

    Args:
        model: the network; its mode, parameters and gradients stay as they are.
        example_input: a batch that it accepts.

    Raises:
        ScheduleError: the model does not run on this input, or has a layer that cannot be traced.
    """
    _refuse_untraceable(model)
    graph = _dependency_graph(model, example_input)
    count = limit_steps(graph)
    names = {module: name for name, module in model.named_modules()}
    covered: dict[str, set[int]] = {}
    groups = []
    for name, module in model.named_modules():
        if not is_channel_maker(module) or module not in graph.module2node:
            continue
        free = sorted(set(range(_width(module))) - covered.get(name, set()))
        if free:
            count.steps = 0
            group = _read_group(graph, module, free, names)
            groups.append(group)
            for member in group.writers:
                covered.setdefault(member.name, set()).update(member.indices.tolist())
    return tuple(groups)


def _refuse_untraceable(model: nn.Module) -> None:
    """Refuse what Torch-Pruning takes for a depthwise convolution, and then never ends on."""
    for name, module in model.named_modules():
        one_filter_each = isinstance(module, _ConvNd) and module.groups == module.out_channels > 1
        if one_filter_each and not is_depthwise(module):
            msg = (
                f"{name}: {module.groups} groups of one filter with several inputs each: such a "
                "convolution cannot be thinned: use another number of groups"
            )
            raise ScheduleError(msg)


def _dependency_graph(model: nn.Module, example_input: Tensor) -> Any:
    graph = tp.DependencyGraph()
    register_movers(graph)
    # Tracing follows gradients, which frozen layers pass on only from an input that has one.
    example = example_input.detach().clone().requires_grad_()
    with evaluating(model), torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model(example)
        except RuntimeError as error:
            shape = tuple(example_input.shape)
            reason = one_line(error)
            msg = f"the network does not run on the example input {shape}: {reason}"
            raise ScheduleError(msg) from error
        try:
            graph.build_dependency(model, (example,), verbose=False)
            map_movers(graph, model)
        except Exception as error:
            # Whatever the library stumbles over, it is this network's graph that it cannot read.
            reason = one_line(f"{type(error).__name__}: {error}", at_most=200)
            msg = f"the channels of this network cannot be traced ({reason})"
            raise UntraceableError(msg) from error
    return graph


def _width(module: nn.Module) -> int:
    return int(getattr(module, "out_channels", 0) or getattr(module, "out_features", 0))


def _read_group(
    graph: Any, module: nn.Module, channels: list[int], names: dict[nn.Module, str]
) -> ChannelGroup:
    pruner = graph.get_pruner_of_module(module)
    try:
        found = graph.get_pruning_group(module, pruner.prune_out_channels, channels)
    except UntraceableError:
        raise
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}", at_most=200)
        msg = f"the channels of {names[module]} cannot be traced ({reason})"
        raise UntraceableError(msg) from error
    items = [item for item in found if item.dep.target.module in names]
    writing = {
        item.dep.target.module
        for item in items
        if graph.is_out_channel_pruning_fn(item.dep.handler)
    }
    members, obstacle = [], ""
    if len(items) < len(found):
        obstacle = _bare_obstacle(found)
    for item in items:
        layer = item.dep.target.module
        reads = not graph.is_out_channel_pruning_fn(item.dep.handler)
        node = graph.module2node[layer]
        pairs = sorted(zip(item.idxs, item.root_idxs, strict=True))
        members.append(
            Member(
                name=names[layer],
                module=layer,
                reads=reads,
                indices=torch.tensor([index for index, _ in pairs]),
                roots=torch.tensor([root for _, root in pairs]),
                reach=Reach() if reads else _walk(node, writing, names),
            )
        )
        obstacle = obstacle or _obstacle(names[layer], layer)
    position = {name: number for number, name in enumerate(names.values())}
    members.sort(key=lambda member: (position[member.name], member.reads))
    return ChannelGroup(torch.tensor(channels), tuple(members), obstacle)


def _obstacle(name: str, module: nn.Module) -> str:
    if not isinstance(module, _SLICEABLE) or isinstance(module, _ConvTransposeNd):
        return f"coupled with {name}, a {type(module).__name__}, which cannot be thinned"
    return ""


def _bare_obstacle(found: Any) -> str:
    """Return a word on a parameter outside any layer that has the channels, "" without one."""
    targets = (item.dep.target.module for item in found)
    bare = any(isinstance(target, nn.Parameter) for target in targets)
    return "coupled with a parameter outside any layer, which cannot be thinned" if bare else ""


def _walk(start: Any, writing: set[nn.Module], names: dict[nn.Module, str]) -> Reach:
    """Follow a node's output up to the next layers of its group, and to layers that mix."""
    chain: dict[str, None] = {}
    followers: dict[str, None] = {}
    exposed, barrier = False, ""
    ends = not start.outputs
    stack, seen = [(start, False)], {start}
    while stack:
        node, joined = stack.pop()
        for target in node.outputs:
            module = target.module
            renumbers = isinstance(module, MOVERS) and not isinstance(module, ChannelPad)
            meets = joined or len(target.inputs) > 1 or renumbers
            if is_channel_maker(module) and not is_depthwise(module):
                exposed = True
            elif module in writing and not isinstance(module, MOVERS):
                followers[names[module]] = None
                if not meets:
                    chain[names[module]] = None
            elif target not in seen:
                seen.add(target)
                stack.append((target, meets))
                barrier = barrier or _barrier(target)
                ends = ends or not target.outputs
    return Reach(tuple(chain), tuple(followers), exposed, ends, barrier)


def _barrier(node: Any) -> str:
    """Return the name of an operation that does not keep zeros, "" for one that does."""
    if node.module_class is not tp.ops._ElementWiseOp:
        return ""
    name = str(node.module._grad_fn)
    lowered = name.lower()
    if lowered.startswith(("addbackward", "subbackward")) and len(node.inputs) < 2:
        return name
    keeps = _KEEPS_ZERO.search(lowered) and not _ADDS.match(lowered)
    return "" if keeps else name
