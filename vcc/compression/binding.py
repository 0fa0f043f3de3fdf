"""A schedule bound to a network: what parts are built with, and the problems found meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vcc.compression.channels import graph
from vcc.compression.channels.batchnorms import batchnorm_folded, following_batchnorms
from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.schedule.schedule import Component, PolicySpec, Schedule
from vcc.compression.schedule.selectors import NameResolver
from vcc.compression.schedule.yaml_tree import Tree, TreePath, describe_path
from vcc.compression.sensitivity.measured import Measure
from vcc.errors import ScheduleError


@dataclass(frozen=True)
class Gate:
    """The BatchNorm that a convolution's filters pass, by its parameters' names.

    Attributes:
        scale: gamma, one entry per filter.
        shift: beta, likewise.
    """

    scale: str
    shift: str


class BuildContext:
    """Collects what is wrong while components are built, with places in the file.

    Args:
        model: the network.
        schedule: what is being built.
        example_input: batch for tracing, if the caller gave one.
        round_to: multiple of channels that thinning keeps.
        calibration: returns calibration batches.
        teacher: finds the teacher that a distiller names.
        measure: measures the network on dev.
        channels: the network's, if the caller has them; None traces them when they are wanted.
    """

    def __init__(  # noqa: PLR0913 - what `file_config` was given
        self,
        model: nn.Module,
        schedule: Schedule,
        example_input: Tensor | None,
        *,
        round_to: int = 1,
        calibration: Callable[[], Iterable[Tensor]] | None = None,
        teacher: Callable[[Any], nn.Module] | None = None,
        measure: Measure | None = None,
        channels: TracedChannels | None = None,
    ) -> None:
        self.calibration = calibration
        self.teacher = teacher
        self.measure = measure
        self.round_to = round_to
        self.model = model
        self.schedule = schedule
        # what names stand for: the network, or a copy with the layers that it will have
        self.foreseen = model
        self.resolver = NameResolver(model)
        self.channels = self._foreseen_channels = channels or TracedChannels(self._trace)
        self._standing: dict[tuple[int, ...], BuildContext] = {(): self}
        self.problems: list[str] = []
        self._example_input = example_input
        self._batchnorms: dict[str, str] | None = None
        self._gates: dict[str, Gate] | None = None

    def standing_at(self, spec: PolicySpec) -> BuildContext:
        """Return what a policy is built with: names are those of its first epoch.

        Policies that give layers other names have acted where they come before: in an earlier
        epoch, or in that one and higher up in the file.
        """
        return self._after(spec.epochs.first, self._position(spec))

    def standing_after(self, spec: PolicySpec) -> BuildContext:
        """Return the same with the names that there are once its last epoch is over."""
        return self._after(spec.epochs.last, len(self.schedule.policies))

    def _position(self, spec: PolicySpec) -> int:
        return next(n for n, each in enumerate(self.schedule.policies) if each is spec)

    def _after(self, epoch: int, position: int) -> BuildContext:
        acted = sorted(
            (spec.epochs.first, number)
            for number, spec in enumerate(self.schedule.policies)
            if spec.arguments.renames and (spec.epochs.first, number) < (epoch, position)
        )
        key = tuple(number for _, number in acted)
        if key not in self._standing:
            model = copy.deepcopy(self.model)
            for module in model.modules():
                # what watches the network itself must not see the copy
                module._forward_hooks.clear()
            for number in key:
                spec = self.schedule.policies[number]
                part = self.schedule.component(spec.subject, spec.instance)
                spec.arguments.foresee(part.arguments, model)
            context = copy.copy(self)
            context.foreseen, context.resolver = model, NameResolver(model)
            context._batchnorms = context._gates = None
            context._foreseen_channels = TracedChannels(context._trace_foreseen)
            self._standing[key] = context
        return self._standing[key]

    def problem(self, path: TreePath, words: str) -> None:
        """Note a problem at a path of the schedule."""
        line = Tree(None, "", self.schedule.lines).line(path)
        where = f"line {line}, " if line is not None else ""
        self.problems.append(f"{where}{describe_path(path)}: {words}")

    def resolve_table(self, wanted: Mapping[str, Any], path: TreePath) -> dict[str, Any]:
        """Return parameter name -> value for a table at a path."""
        found, problems = self.resolver.table(wanted)
        for words in problems:
            self.problem(path, words)
        return found

    def example_input(self, what: str) -> Tensor:
        """Return a batch to trace the network with.

        Raises:
            ScheduleError: there is none.
        """
        if self._example_input is not None:
            return self._example_input
        shape: Sequence[int] | None = getattr(self.model, "input_shape", None)
        if shape is None:
            msg = f"{what} needs to trace the network: give file_config an example_input"
            raise ScheduleError(msg)
        reference = next(self.model.parameters())
        return torch.zeros(tuple(shape), dtype=reference.dtype, device=reference.device)

    def batchnorms(self, what: str) -> dict[str, str]:
        """Return layer name -> name of the BatchNorm behind it."""
        if self._batchnorms is None:
            self._batchnorms = following_batchnorms(self.foreseen, self.example_input(what))
        return self._batchnorms

    def known_batchnorms(self) -> dict[str, str]:
        """Return the same where the network can be traced, else nothing."""
        traceable = self._example_input is not None or hasattr(self.model, "input_shape")
        return self.batchnorms("activation statistics") if traceable else {}

    def gates(self, what: str) -> dict[str, Gate]:
        """Return weight name -> the nearest BatchNorm that only this convolution's filters pass.

        It may stand behind a depthwise convolution: a pointwise one before it often has none of
        its own.
        """
        if self._gates is None:
            vectors = graph.coupled_parameters(self.foreseen, self._foreseen_groups(what))
            self._gates = {
                name: gate for name, along in vectors.items() if (gate := self._gate(along))
            }
        return self._gates

    def _gate(self, vectors: Iterable[str]) -> Gate | None:
        """Return the first BatchNorm that owns one of some 1-D parameters, nearest first."""
        for owner in dict.fromkeys(vector.rpartition(".")[0] for vector in vectors):
            module = self.foreseen.get_submodule(owner)
            if isinstance(module, _BatchNorm) and module.affine:
                return Gate(f"{owner}.weight", f"{owner}.bias")
        return None

    def folded_weight(self) -> Callable[[str], Tensor]:
        """Return what gives a weight as scaled by the BatchNorm behind its layer."""
        followers = self.batchnorms("fold_batchnorm")

        def folded(name: str) -> Tensor:
            weight = self.model.get_parameter(name).detach()
            follower = followers.get(name.removesuffix(".weight"))
            if follower is None:
                return weight
            batchnorm = self.model.get_submodule(follower)
            return batchnorm_folded(weight, cast(_BatchNorm, batchnorm))

        return folded

    def coupled_parameters(self) -> dict[str, tuple[str, ...]]:
        """Return weight name -> 1-D parameters of the same output channels."""
        self.example_input("mask_coupled")
        return graph.coupled_parameters(self.model, self.channels.groups())

    def filter_groups(self) -> list[tuple[str, ...]]:
        """Return the names of weights whose filters must go together, group by group."""
        groups = self._foreseen_groups("group_dependency: Coupled")
        return graph.filter_groups(self.foreseen, groups)

    def channel_groups(self) -> TracedChannels:
        """Return the network's channels, which all that is built here shares."""
        return self.channels

    def _foreseen_groups(self, what: str) -> tuple[ChannelGroup, ...]:
        """Return the groups of the network that names stand for."""
        self.example_input(what)
        return self._foreseen_channels.groups()

    def _trace_foreseen(self) -> tuple[ChannelGroup, ...]:
        device = next(self.foreseen.parameters()).device
        return trace_channels(self.foreseen, self.example_input("thinning").to(device))

    def _trace(self) -> tuple[ChannelGroup, ...]:
        # The network may have moved since its example was given.
        device = next(self.model.parameters()).device
        return trace_channels(self.model, self.example_input("thinning").to(device))


class Site:
    """Where a part of the schedule is built: the network, and the part's place in the file.

    Names are those of the first epoch in which a policy uses the part.

    Args:
        network: what all parts share.
        part: the definition.
    """

    def __init__(self, network: BuildContext, part: Component) -> None:
        self.class_name, self.path = part.class_name, part.path
        uses = [
            spec
            for spec in network.schedule.policies
            if spec.arguments.section == part.section and spec.instance == part.name
        ]
        self.network = self._later = network
        if uses:
            self.network = network.standing_at(min(uses, key=lambda spec: spec.epochs.first))
            last = max(uses, key=lambda spec: spec.epochs.last)
            renames = last.arguments.renames
            self._later = self.network if renames else network.standing_after(last)

    def problem(self, key: str, words: str, *inner: str) -> None:
        """Note a problem with an argument, or with an entry of it."""
        self.network.problem((*self.path, key, *inner), words)

    def names(self, wanted: Sequence[str], key: str = "weights") -> tuple[str, ...]:
        """Return the parameters that the names and selectors of an argument stand for."""
        found, problems = self.network.resolver.names(wanted)
        for words in problems:
            self.problem(key, words)
        self._check_lasting(found, key)
        return found

    def table(self, wanted: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Return parameter name -> value for an argument that maps names and selectors."""
        found = self.network.resolve_table(wanted, (*self.path, key))
        self._check_lasting(found, key)
        return found

    def _check_lasting(self, found: Iterable[str], key: str) -> None:
        """Note what has another name before the part's last epoch is over."""
        gone = [name for name in found if name not in self._later.resolver.parameters]
        if gone:
            words = "is decomposed within these epochs: end them before, or begin them after it"
            self.problem(key, f"{gone[0]} {words}")
