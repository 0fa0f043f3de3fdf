"""A schedule bound to a network: what parts are built with, and the problems found meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vcc.compression.channels import graph
from vcc.compression.channels.batchnorms import batchnorm_folded, following_batchnorms
from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.compression.channels.traced import TracedChannels
from vcc.compression.schedule.schedule import Component, Schedule
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
        self.resolver = NameResolver(model)
        self.channels = channels or TracedChannels(self._trace)
        self.problems: list[str] = []
        self._example_input = example_input
        self._batchnorms: dict[str, str] | None = None
        self._gates: dict[str, Gate] | None = None

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
            self._batchnorms = following_batchnorms(self.model, self.example_input(what))
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
            self.example_input(what)
            vectors = graph.coupled_parameters(self.model, self.channels.groups())
            self._gates = {
                name: gate for name, along in vectors.items() if (gate := self._gate(along))
            }
        return self._gates

    def _gate(self, vectors: Iterable[str]) -> Gate | None:
        """Return the first BatchNorm that owns one of some 1-D parameters, nearest first."""
        for owner in dict.fromkeys(vector.rpartition(".")[0] for vector in vectors):
            module = self.model.get_submodule(owner)
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
        self.example_input("group_dependency: Coupled")
        return graph.filter_groups(self.model, self.channels.groups())

    def channel_groups(self) -> TracedChannels:
        """Return the network's channels, which all that is built here shares."""
        return self.channels

    def _trace(self) -> tuple[ChannelGroup, ...]:
        # The network may have moved since its example was given.
        device = next(self.model.parameters()).device
        return trace_channels(self.model, self.example_input("thinning").to(device))


class Site:
    """Where a part of the schedule is built: the network, and the part's place in the file.

    Args:
        network: what all parts share.
        part: the definition.
    """

    def __init__(self, network: BuildContext, part: Component) -> None:
        self.network, self.class_name, self.path = network, part.class_name, part.path

    def problem(self, key: str, words: str, *inner: str) -> None:
        """Note a problem with an argument, or with an entry of it."""
        self.network.problem((*self.path, key, *inner), words)

    def names(self, wanted: Sequence[str], key: str = "weights") -> tuple[str, ...]:
        """Return the parameters that the names and selectors of an argument stand for."""
        found, problems = self.network.resolver.names(wanted)
        for words in problems:
            self.problem(key, words)
        return found

    def table(self, wanted: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Return parameter name -> value for an argument that maps names and selectors."""
        return self.network.resolve_table(wanted, (*self.path, key))
