"""Loss terms that push weights, or whole structures of them, towards zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vcc.compression.binding import Site
from vcc.compression.masks.group_thresholds import group_threshold_mask
from vcc.compression.masks.structures import UnfitStructure, map_dims, structure_norms
from vcc.compression.regularizers.base import REGULARIZERS, Regularizer, RegularizerArguments
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.fields import choice, number, optional, row, table, text

LASSO_GROUPS = (
    "2D",
    "3D",
    "4D",
    "Filters",
    "Channels",
    "Rows",
    "Cols",
    "Rows+Cols",
    "Cols+Rows",
    "Channels+4D",
    "4D+Channels",
    "Filters+4D",
    "4D+Filters",
)
Regimes = Mapping[str, tuple[float, str]]

# keeps the gradient of a channel's norm finite at zero, as Distiller does
_CHANNEL_EPS = 1e-8


@REGULARIZERS.register("L1Regularizer")
@dataclass(frozen=True, kw_only=True)
class L1Arguments(RegularizerArguments):
    """Adds strength times the sum of magnitudes to the loss."""

    reg_regims: Mapping[str, float] = argument(
        table(number(at_least=0)), help_text="name or selector -> strength, at least 0"
    )
    threshold_criteria: str | None = argument(
        optional(text), None, "any word drops weights at or below the strength"
    )

    def build(self, site: Site) -> Regularizer:
        return L1Regularizer(site.table(self.reg_regims, "reg_regims"), self.threshold_criteria)


class L1Regularizer(Regularizer):
    """strength * sum of |w|.

    Args:
        strengths: parameter name -> strength.
        criterion: any word turns thresholding on: |w| > strength is kept.
    """

    def __init__(self, strengths: Mapping[str, float], criterion: str | None = None) -> None:
        super().__init__(criterion)
        self.strengths = dict(strengths)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.strengths)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.abs().sum() * self.strengths[name]

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.detach().abs() > self.strengths[name]


@REGULARIZERS.register("L2Regularizer")
@dataclass(frozen=True, kw_only=True)
class L2Arguments(RegularizerArguments):
    """Adds strength times the sum of squares. An extension."""

    reg_regims: Mapping[str, float] = argument(
        table(number(at_least=0)), help_text="extension: name or selector -> strength, at least 0"
    )

    def build(self, site: Site) -> Regularizer:
        return L2Regularizer(site.table(self.reg_regims, "reg_regims"))


class L2Regularizer(L1Regularizer):
    """strength * sum of w^2 (an extension: weight decay for chosen parameters)."""

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.pow(2).sum() * self.strengths[name]


@REGULARIZERS.register("GroupLassoRegularizer")
@dataclass(frozen=True, kw_only=True)
class GroupLassoArguments(RegularizerArguments):
    """Adds strength times the sum of the groups' L2 norms (Wen et al. 2016)."""

    reg_regims: Regimes = argument(
        table(row(number(at_least=0), choice(*LASSO_GROUPS))),
        help_text="name or selector -> [strength, group], strength at least 0",
    )
    threshold_criteria: str | None = argument(
        optional(choice("Max", "Mean_Abs")),
        None,
        "norm by which groups at or below the strength are dropped: Max or Mean_Abs; null drops "
        "none",
    )

    def build(self, site: Site) -> Regularizer:
        return GroupLassoRegularizer(_fitting(self.reg_regims, site), self.threshold_criteria)


class GroupLassoRegularizer(Regularizer):
    """strength * sum over groups of ||g||_2, without a group-size factor (Wen et al. 2016).

    Args:
        regimes: parameter name -> (strength, group); `A+B` sums both groups' terms.
        criterion: Max or Mean_Abs to threshold the same groups by the same strength.
    """

    def __init__(self, regimes: Regimes, criterion: str | None = None) -> None:
        super().__init__(criterion)
        self.regimes = dict(regimes)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.regimes)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        strength, group = self.regimes[name]
        return torch.stack([_lasso(parameter, part) for part in group.split("+")]).sum() * strength

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        strength, group = self.regimes[name]
        return group_threshold_mask(parameter, group, strength, self.criterion or "Max")


@REGULARIZERS.register("GroupVarianceRegularizer")
@dataclass(frozen=True, kw_only=True)
class GroupVarianceArguments(RegularizerArguments):
    """Adds strength divided by the variance of the channels' norms."""

    reg_regims: Regimes = argument(
        table(row(number(at_least=0), choice("Channels"))),
        help_text="name or selector -> [strength, Channels]",
    )

    def build(self, site: Site) -> Regularizer:
        return GroupVarianceRegularizer(_fitting(self.reg_regims, site))


class GroupVarianceRegularizer(Regularizer):
    """strength / var(channel norms): rewards channels of unequal size; unbiased variance.

    Args:
        regimes: parameter name -> (strength, "Channels").
    """

    def __init__(self, regimes: Regimes) -> None:
        super().__init__(None)
        self.regimes = dict(regimes)

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.regimes)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        norms = channel_norms(parameter)
        return self.regimes[name][0] / norms.var()

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        return torch.ones_like(parameter, dtype=torch.bool)


def channel_norms(weight: Tensor) -> Tensor:
    """Return the L2 norm of each input channel, with a small constant under the root."""
    others = [dim for dim in range(weight.dim()) if dim != 1]
    norms: Tensor = (weight.pow(2).sum(dim=others) + _CHANNEL_EPS).sqrt()
    return norms


def _lasso(weight: Tensor, group: str) -> Tensor:
    if group == "Channels":
        return channel_norms(weight).sum()
    dims = () if group == "4D" else map_dims(group, weight)
    others = [dim for dim in range(weight.dim()) if dim not in dims]
    if not others:
        return structure_norms(weight, dims, order=2).sum()
    # vector_norm's gradient at an exactly zero group is 0, where a bare root's would be nan
    norms: Tensor = torch.linalg.vector_norm(weight, dim=others)
    return norms.sum()


def _fitting(wanted: Regimes, site: Site) -> Regimes:
    """Return the regimes by parameter; a weight that lacks such groups is noted."""
    regimes = site.table(wanted, "reg_regims")
    for name, (_, group) in regimes.items():
        for piece in group.split("+"):
            try:
                if piece != "4D":
                    map_dims(piece, site.network.resolver.parameters[name])
            except UnfitStructure as error:
                site.problem("reg_regims", str(error), name)
    return regimes
