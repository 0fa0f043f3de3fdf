"""Ranked pruners that look at the weights: their norms, their gradients, or nothing but chance."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from vcc.compression.binding import Site
from vcc.compression.pruners.base import PRUNERS, Pruner
from vcc.compression.pruners.ramps import Fraction, RandomFraction
from vcc.compression.pruners.ranked import BernoulliPruner
from vcc.compression.pruners.ranked_arguments import (
    FRACTION,
    AcrossLayers,
    Blocks,
    Ramp,
    Ranked,
    Share,
    ranked_pruner,
)
from vcc.compression.pruners.scores import GradientScore, NormScore, RandomScore
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.fields import choice, integer, list_of, optional


class _ByNorm(Blocks):
    """Ranks by a norm per element.

    Attributes:
        norm: 1 for the mean magnitude, 2 for the Euclidean norm.
    """

    norm: ClassVar[int] = 1

    def score_noise(self) -> float:
        """Return the probability of multiplying all scores by normal noise."""
        return 0.0

    def build(self, site: Site) -> Pruner:
        score = NormScore(self.norm, noise=self.score_noise(), block_shape=self.block_shape())
        return ranked_pruner(self, site, score=score)


@dataclass(frozen=True, kw_only=True)
class _Counted(_ByNorm, Share):
    noise: float = argument(
        FRACTION, 0.0, "probability of multiplying all scores by normal noise, 0 to 1"
    )
    group_size: int = argument(integer(1), 1, "how many consecutive structures go together")
    rounding_fn: str | None = argument(
        optional(choice("floor", "ceil", "round")),
        None,
        "extension: floor, ceil or round: how share times number becomes a count; null is floor",
    )

    def score_noise(self) -> float:
        return self.noise

    def counting(self) -> dict[str, Any]:
        return {"group_size": self.group_size, "rounding": self.rounding_fn or "floor"}

    def alone(self) -> Self:
        # A target counts single filters, and rounds down.
        return dataclasses.replace(super().alone(), group_size=1, rounding_fn=None)


@PRUNERS.register("L1RankedStructureParameterPruner")
@dataclass(frozen=True, kw_only=True)
class L1Ranked(AcrossLayers, _Counted):
    """Prunes the structures of least mean magnitude."""


@PRUNERS.register("L2RankedStructureParameterPruner")
@dataclass(frozen=True, kw_only=True)
class L2Ranked(AcrossLayers, _Counted):
    """Prunes the structures of least L2 norm per element."""

    norm = 2


@PRUNERS.register("RandomLevelStructureParameterPruner")
@dataclass(frozen=True, kw_only=True)
class RandomLevel(_ByNorm):
    """As by L1, with a share that is drawn anew each time."""

    can_be_directed = False
    sparsity_range: tuple[float, float] = argument(
        list_of(FRACTION, 2), help_text="[least, largest] share, each 0 to 1"
    )

    def fraction(self) -> Fraction:
        return RandomFraction(*self.sparsity_range)

    def with_share(self, share: float) -> Self:
        return dataclasses.replace(self, sparsity_range=(share, share))


@PRUNERS.register("L1RankedStructureParameterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class L1RankedRamp(AcrossLayers, _ByNorm, Ramp):
    """Prunes the structures of least mean magnitude, along `AutomatedGradualPruner`'s ramp."""


@PRUNERS.register("L2RankedStructureParameterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class L2RankedRamp(AcrossLayers, _ByNorm, Ramp):
    """Prunes the structures of least L2 norm, along `AutomatedGradualPruner`'s ramp."""

    norm = 2


class _ByGradient(Ranked):
    def build(self, site: Site) -> Pruner:
        return ranked_pruner(self, site, score=GradientScore(site.network.model))


@PRUNERS.register("GradientRankedFilterPruner")
@dataclass(frozen=True, kw_only=True)
class GradientRanked(_ByGradient, Share):
    """Prunes the filters of least sum of weight times gradient."""


@PRUNERS.register("GradientRankedFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class GradientRankedRamp(_ByGradient, Ramp):
    """As `GradientRankedFilterPruner`, along the ramp of `AutomatedGradualPruner`."""


class _ByChance(Ranked):
    def build(self, site: Site) -> Pruner:
        return ranked_pruner(self, site, score=RandomScore())


@PRUNERS.register("RandomRankedFilterPruner")
@dataclass(frozen=True, kw_only=True)
class RandomRanked(_ByChance, Share):
    """Prunes filters drawn at random."""


@PRUNERS.register("RandomRankedFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class RandomRankedRamp(_ByChance, Ramp):
    """As `RandomRankedFilterPruner`, along the ramp of `AutomatedGradualPruner`."""


class _Bernoulli(Ranked):
    # How many filters go is chance, too.
    can_be_directed = False

    def build(self, site: Site) -> Pruner:
        return ranked_pruner(self, site, score=RandomScore(), cls=BernoulliPruner)


@PRUNERS.register("BernoulliFilterPruner")
@dataclass(frozen=True, kw_only=True)
class Bernoulli(_Bernoulli, Share):
    """Prunes each filter with a probability, drawn anew each time."""


@PRUNERS.register("BernoulliFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class BernoulliRamp(_Bernoulli, Ramp):
    """As `BernoulliFilterPruner`, along the ramp of `AutomatedGradualPruner`."""
