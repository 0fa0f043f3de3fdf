"""Parts of another package: a pruner, a regularizer, a quantizer and a kind of policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
        weight = WeightPlan(kind="wrpn", bits=int(settings.bits.weights or 8))
        linear = [name for name, module in model.named_modules() if type(module) is nn.Linear]
        layers = dict.fromkeys(linear, LayerPlan(weight=weight))
        apply_plan(
            model,
            QuantizationPlan(target=settings.target, overflow=settings.overflow, layers=layers),
        )


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
