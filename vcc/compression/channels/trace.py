"""Groups of channels that stay or go together, read off Torch-Pruning's dependency graph.

Two things are done here and not left to that library. Its enumeration marks a layer visited when
a group touched some of its channels, and so never offers the rest where layers of different width
are coupled (1408 of ResNet-18's 1984 filters with shortcut A): groups are enumerated per layer,
for the channels that no group has yet. And it does not say in which order members follow each
other: that is walked here, because a channel is zero only as far as nothing makes it non-zero
again.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch_pruning as tp
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from vcc.compression.channels.bare_parameters import Place, places_of_parameters
from vcc.compression.channels.batchnorms import computes_as
from vcc.compression.channels.maps import MOVERS, map_movers, register_movers
from vcc.compression.channels.steps import UntraceableError, limit_steps
from vcc.errors import ScheduleError, one_line
from vcc.models.layers import ChannelPad, is_depthwise
from vcc.models.modes import evaluating
from vcc.models.norms import THINNED_NORMS, channel_dim

_NORMS = (nn.GroupNorm, nn.LayerNorm)
_SLICEABLE = (_ConvNd, nn.Linear, _NormBase, nn.PReLU, *_NORMS, *THINNED_NORMS, *MOVERS)


@dataclass(frozen=True)
class Reach:
    """Where a layer's output channels go.

    Attributes:
        chain: layers with the same channels, by the same numbers, that follow it and nothing else.
        followers: those, and those behind a sum with other layers' outputs or a shuffle.
        ends: whether they reach the network's output.
    """

    chain: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()
    ends: bool = False


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
class ParameterShare:
    """A group's share in a parameter that is of no layer.

    Attributes:
        name: of the parameter, with its module's.
        dim: the dimension that the channels lie along.
        size: its entries there, of all groups.
        indices: those of this group, [k].
        roots: the group's channel behind each, [k].
    """

    name: str
    dim: int
    size: int
    indices: Tensor
    roots: Tensor


@dataclass(frozen=True)
class ChannelGroup:
    """Channels of several layers that go together, one by one.

    Attributes:
        roots: the channels, numbered as in the layer they were found at; ascending, [n].
        members: every layer that has them, in order of definition.
        obstacle: why none can go, or "".
        shares: parameters of no layer that have them.
    """

    roots: Tensor
    members: tuple[Member, ...]
    obstacle: str = ""
    shares: tuple[ParameterShare, ...] = ()

    def positions(self, member: Member | ParameterShare) -> Tensor:
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
    places = places_of_parameters(model, example_input)
    graph = _dependency_graph(model, example_input, places)
    parameters = {model.get_parameter(place.name): place for place in places}
    count = limit_steps(graph)
    names = {module: name for name, module in model.named_modules()}
    covered: dict[str, set[int]] = {}
    groups = []
    for name, module in model.named_modules():
        if not is_channel_maker(module) or module not in graph.module2node:
            continue
        free = sorted(set(range(width(module))) - covered.get(name, set()))
        if free:
            count.steps = 0
            group = _read_group(graph, module, free, names, parameters)
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


def _dependency_graph(model: nn.Module, example_input: Tensor, places: Sequence[Place]) -> Any:
    along = [(model.get_parameter(p.name), p.dim) for p in places if p.dim is not None]
    ignored = [model.get_parameter(p.name) for p in places if p.dim is None]
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
            graph.build_dependency(
                model,
                (example,),
                verbose=False,
                unwrapped_parameters=along,
                ignored_params=ignored,
            )
            map_movers(graph, model)
        except Exception as error:
            # Whatever the library stumbles over, it is this network's graph that it cannot read.
            reason = one_line(f"{type(error).__name__}: {error}", at_most=200)
            msg = f"the channels of this network cannot be traced ({reason})"
            raise UntraceableError(msg) from error
    return graph


def width(module: nn.Module, *, reads: bool = False) -> int:
    """Return how many channels a layer has: of its output, or of its input.

    Raises:
        TypeError: the module has none.
    """
    if isinstance(module, nn.LayerNorm):
        return int(module.normalized_shape[0])
    names = ("in_channels", "in_features") if reads else ("out_channels", "out_features")
    for name in (*names, "num_features", "num_channels", "num_parameters", "n_out"):
        if hasattr(module, name):
            return int(getattr(module, name))
    msg = f"{type(module).__name__} has no channels"
    raise TypeError(msg)


def _read_group(
    graph: Any,
    module: nn.Module,
    channels: list[int],
    names: dict[nn.Module, str],
    parameters: Mapping[nn.Parameter, Place],
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
    items = [item for item in found if _has_channels(item.dep.target.module, names)]
    writing = {
        item.dep.target.module
        for item in items
        if graph.is_out_channel_pruning_fn(item.dep.handler)
    }
    members = []
    shares, obstacle = _shares(found, parameters)
    for item in items:
        layer = item.dep.target.module
        reads = not graph.is_out_channel_pruning_fn(item.dep.handler)
        node = graph.module2node[layer]
        pairs = sorted(zip(item.idxs, item.root_idxs, strict=True))
        obstacle = obstacle or _obstacle(names[layer], layer)
        if _is_sliceable(layer) and pairs[-1][0] >= width(layer, reads=reads):
            obstacle = obstacle or f"coupled with {names[layer]}, but not channel by channel"
            continue
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
    position = {name: number for number, name in enumerate(names.values())}
    members.sort(key=lambda member: (position[member.name], member.reads))
    return ChannelGroup(torch.tensor(channels), tuple(members), obstacle, shares)


def _has_channels(target: Any, names: Mapping[nn.Module, str]) -> bool:
    """Return whether a part of the graph is a layer with something for each channel."""
    shares = isinstance(target, nn.PReLU) and target.num_parameters == 1
    return target in names and not shares


def _obstacle(name: str, module: nn.Module) -> str:
    if not _is_sliceable(module):
        return f"coupled with {name}, a {type(module).__name__}, which cannot be thinned"
    if isinstance(module, nn.LayerNorm) and channel_dim(module) is None:
        return f"coupled with {name}, a LayerNorm over positions too, which cannot be thinned"
    return ""


def _is_sliceable(module: nn.Module) -> bool:
    if isinstance(module, _NORMS) and not any(computes_as(module, base) for base in _NORMS):
        return False
    return isinstance(module, _SLICEABLE) and not isinstance(module, _ConvTransposeNd)


def _shares(
    found: Any, parameters: Mapping[nn.Parameter, Place]
) -> tuple[tuple[ParameterShare, ...], str]:
    """Return the shares in parameters of no layer, and a word on one that cannot be cut, or ""."""
    shares, obstacle = [], ""
    for item in found:
        target = item.dep.target.module
        if not isinstance(target, nn.Parameter):
            continue
        place = parameters.get(target)
        if place is None or place.dim is None or max(item.idxs) >= target.shape[place.dim]:
            obstacle = "coupled with a parameter outside any layer, which cannot be thinned"
            continue
        pairs = sorted(zip(item.idxs, item.root_idxs, strict=True))
        entries, roots = (torch.tensor(numbers) for numbers in zip(*pairs, strict=True))
        shares.append(
            ParameterShare(place.name, place.dim, target.shape[place.dim], entries, roots)
        )
    return tuple(shares), obstacle


def _walk(start: Any, writing: set[nn.Module], names: dict[nn.Module, str]) -> Reach:
    """Follow a node's output up to the next layers of its group, and to layers that mix."""
    chain: dict[str, None] = {}
    followers: dict[str, None] = {}
    ends = not start.outputs
    stack, seen = [(start, False)], {start}
    while stack:
        node, joined = stack.pop()
        for target in node.outputs:
            module = target.module
            renumbers = isinstance(module, MOVERS) and not isinstance(module, ChannelPad)
            meets = joined or len(set(target.inputs)) > 1 or renumbers
            if is_channel_maker(module) and not is_depthwise(module):
                continue
            if module in writing and not isinstance(module, MOVERS):
                followers[names[module]] = None
                if not meets:
                    chain[names[module]] = None
            elif target not in seen:
                seen.add(target)
                stack.append((target, meets))
                ends = ends or not target.outputs
    return Reach(tuple(chain), tuple(followers), ends)
