"""Parts of another package: a pruner, a regularizer, a quantizer and a kind of policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.binding import BuildContext, Site
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.pruners.base import PRUNERS, PruneContext, Pruner, PrunerArguments
from vcc.compression.quantization.overrides import Bits
from vcc.compression.quantization.settings import (
    QUANTIZERS,
    QuantizerArguments,
    QuantizerSettings,
)
from vcc.compression.regularizers.base import REGULARIZERS, Regularizer, RegularizerArguments
from vcc.compression.schedule.arguments import Arguments, argument
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.fields import integer, names, number, table
from vcc.compression.schedule.schedule import PolicySpec
from vcc.models.quantized.plan import apply_plan
from vcc.models.quantized.plan_parts import LayerPlan, QuantizationPlan, WeightPlan
from vcc.registry import Registry

ENTRY_POINTS = """
[vcc.pruners]
toys = toy_parts
[vcc.regularizers]
toys = toy_parts
[vcc.quantizers]
toys = toy_parts
[vcc.policies]
toys = toy_parts
"""
SCHEDULE = """
pruners: {first: {class: ToyFirstFilters, n_filters: 1, weights: [conv1.weight]}}
regularizers: {one: {class: ToyTowardsOne, strengths: {fc.weight: 0.5}}}
quantizers: {linear: {class: ToyLinearQuantizer, bits_activations: 4}}
toys: {frozen: {class: ToyFreezer, weights: [fc.bias]}}
policies:
  - {pruner: {instance_name: first}, epochs: [0]}
  - {regularizer: {instance_name: one}, epochs: [0]}
  - {quantizer: {instance_name: linear}, epochs: [0]}
  - {toy: {instance_name: frozen}, epochs: [0]}
"""


def install(folder: Path) -> None:
    """Write what pip would: the package's metadata, with its entry points."""
    info = folder / "toy_parts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-parts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)


class FirstFilters(Pruner):
    """Masks the first filters of each weight."""

    def __init__(self, weights: tuple[str, ...], n_filters: int) -> None:
        self._weights, self.n_filters = weights, n_filters

    @property
    def targets(self) -> tuple[str, ...]:
        return self._weights

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        masks = {}
        for name in self._weights:
            masks[name] = torch.ones_like(context.weight(name), dtype=torch.bool)
            masks[name][: self.n_filters] = False
        return masks


@PRUNERS.register("ToyFirstFilters")
@dataclass(frozen=True, kw_only=True)
class FirstFiltersArguments(PrunerArguments):
    """Prunes the first filters, whatever they are worth."""

    n_filters: int = argument(integer(1), help_text="how many")
    weights: tuple[str, ...] = argument(names, help_text="parameter names or selectors")

    def build(self, site: Site) -> Pruner:
        return FirstFilters(site.names(self.weights), self.n_filters)


class TowardsOne(Regularizer):
    """strength * sum of (w - 1)^2."""

    def __init__(self, strengths: Mapping[str, float]) -> None:
        super().__init__(criterion=None)
        self.strengths = strengths

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.strengths)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        return self.strengths[name] * (parameter - 1).pow(2).sum()

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        return torch.ones_like(parameter, dtype=torch.bool)


@REGULARIZERS.register("ToyTowardsOne")
@dataclass(frozen=True, kw_only=True)
class TowardsOneArguments(RegularizerArguments):
    """Pulls weights towards 1."""

    strengths: Mapping[str, float] = argument(
        table(number(at_least=0)), help_text="name or selector -> strength"
    )

    def build(self, site: Site) -> Regularizer:
        return TowardsOne(site.table(self.strengths, "strengths"))


@QUANTIZERS.register("ToyLinearQuantizer")
@dataclass(frozen=True, kw_only=True)
class LinearQuantizer(QuantizerArguments):
    """Trains with the weights of linear layers quantized to as many bits as activations have."""

    def bits(self) -> Bits:
        return Bits(self.bits_activations, self.bits_activations, None)

    @classmethod
    def insert(cls, model: nn.Module, settings: QuantizerSettings, example_input: Tensor) -> None:
        bits = settings.bits.weights
        if bits is None:
            return
        layer = LayerPlan(weight=WeightPlan(kind="wrpn", bits=bits))
        linear = [name for name, module in model.named_modules() if type(module) is nn.Linear]
        plan = QuantizationPlan(
            target=settings.target,
            overflow=settings.overflow,
            layers=dict.fromkeys(linear, layer),
        )
        apply_plan(model, plan)


class Freezer(Policy):
    """Lets some parameters be as they are in its epochs."""

    def __init__(self, spec: PolicySpec, weights: tuple[str, ...]) -> None:
        super().__init__(spec.instance, spec.epochs)
        self.weights = weights

    def before_parameter_optimization(self, context: StepContext) -> None:
        for name in self.weights:
            context.store.parameters[name].grad = None


@dataclass(frozen=True, kw_only=True)
class FreezerArguments(Arguments):
    """Arguments of the toy section's only class."""

    weights: tuple[str, ...] = argument(names, help_text="parameter names or selectors")

    def build(self, site: Site) -> tuple[str, ...]:
        return site.names(self.weights)


TOYS: Registry[type[FreezerArguments]] = Registry("toy", group="toys.toys", rooms=())
TOYS.add("ToyFreezer", FreezerArguments)


@POLICIES.register("toy")
@dataclass(frozen=True, kw_only=True)
class ToyPolicy(PolicyArguments):
    """Freezes what its definition names."""

    section = "toys"
    parts = TOYS

    def policy(self, spec: PolicySpec, made: Any, network: BuildContext) -> Policy:
        return Freezer(spec, made)
