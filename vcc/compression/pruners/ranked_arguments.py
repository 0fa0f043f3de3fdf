"""Arguments of pruners that rank structures: what is ranked, in what groups, how much of it goes.

A ranked pruner's arguments are `Ranked`, a share (`Share` or `Ramp`) and what else its score allows
(`Blocks`, `AcrossLayers`); its `build` gives `ranked_pruner` the score.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from vcc.compression.binding import Site
from vcc.compression.masks.structures import TEMPORAL_SLICES, UnfitStructure, block_view, map_dims
from vcc.compression.pruners.base import PrunerArguments
from vcc.compression.pruners.coupled import CoupledPruner
from vcc.compression.pruners.global_ranked import GlobalCoupledPruner, GlobalRankedPruner
from vcc.compression.pruners.ramps import AgpFraction, ConstantFraction, Fraction
from vcc.compression.pruners.ranked import RankedPruner
from vcc.compression.pruners.scores import Score
from vcc.compression.schedule.arguments import Arguments, FilterShare, argument
from vcc.compression.schedule.fields import (
    anything,
    choice,
    names,
    number,
    optional,
)

FRACTION = number(at_least=0, at_most=1)
STRUCTURES = ("Filters", "3D", "Channels", "Rows", "Blocks", TEMPORAL_SLICES)
_FILTERS = ("Filters", "3D")
_NORMALIZERS = ("mean", "l2", "lamp", "none")


def weights_argument() -> Any:
    """Declare the argument `weights`: the parameters that a pruner may mask."""
    return argument(names, help_text="list of parameter names or selectors")


@dataclass(frozen=True, kw_only=True)
class Portion(Arguments, abc.ABC):
    """How much of the structures goes."""

    @abc.abstractmethod
    def fraction(self) -> Fraction:
        """Return the share of structures to prune at a moment."""

    @abc.abstractmethod
    def with_share(self, share: float) -> Self:
        """Return the arguments with another share in the end, 0..1."""

    def alone(self) -> Self:
        """Return the arguments without what divides a share among layers or rounds it."""
        return self


@dataclass(frozen=True, kw_only=True)
class Ranked(PrunerArguments, FilterShare, Portion):
    """Arguments of every pruner that ranks structures."""

    weights: tuple[str, ...] = weights_argument()
    group_type: str = argument(choice(*_FILTERS), "Filters", "Filters or 3D, which are the same")
    group_dependency: str | None = argument(
        optional(choice("Leader", "Coupled")),
        None,
        "Leader: the first weight's choice for all; Coupled (extension): one choice for each group "
        "that must go together; null: each by itself",
    )

    def block_shape(self) -> Sequence[int] | None:
        """Return the shape of the blocks that are ranked; None: structures are."""
        return None

    def counting(self) -> dict[str, Any]:
        """Return how a share becomes a number of structures: `group_size` and `rounding`."""
        return {"group_size": 1, "rounding": "floor"}

    def ranks_filters(self) -> bool:
        return self.group_type in _FILTERS

    def listed(self) -> tuple[str, ...]:
        return self.weights

    def directed(self, weights: tuple[str, ...], share: float) -> Self:
        told = dataclasses.replace(self.alone(), weights=weights, group_dependency="Coupled")
        return told.with_share(share)


@dataclass(frozen=True, kw_only=True)
class Share(Portion):
    """A share of the structures that stays the same."""

    desired_sparsity: float = argument(
        FRACTION, help_text="share of the structures to prune, 0 to 1"
    )

    def fraction(self) -> Fraction:
        return ConstantFraction(self.desired_sparsity)

    def with_share(self, share: float) -> Self:
        return dataclasses.replace(self, desired_sparsity=share)


@dataclass(frozen=True, kw_only=True)
class Ramp(Portion):
    """A share that grows along the ramp of `AutomatedGradualPruner`."""

    initial_sparsity: float = argument(
        FRACTION, help_text="share in the first active epoch, 0 to 1"
    )
    final_sparsity: float = argument(
        FRACTION,
        help_text="share in the last active epoch, above the initial one, at most 1",
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super().conflicts(given)
        low, high = given.get("initial_sparsity"), given.get("final_sparsity")
        if low is not None and high is not None and not high > low:
            yield f"final_sparsity {high} must exceed initial_sparsity {low}"

    def fraction(self) -> Fraction:
        return AgpFraction(self.initial_sparsity, self.final_sparsity)

    def with_share(self, share: float) -> Self:
        # The ramp must rise.
        initial = min(self.initial_sparsity, share / 2)
        return dataclasses.replace(self, initial_sparsity=initial, final_sparsity=share)


@dataclass(frozen=True, kw_only=True)
class AcrossLayers(Portion, abc.ABC):
    """Lets all layers be ranked together; for scores that are never negative."""

    ranking: str = argument(
        choice("layer", "global"),
        "layer",
        "extension: layer: the share is of each layer's structures; global: of all layers' "
        "together",
    )
    normalizer: str | None = argument(
        optional(choice(*_NORMALIZERS)),
        None,
        "extension: for ranking: global, what makes layers comparable: mean, l2, lamp or none; "
        "null is mean",
    )
    most_per_layer: float | None = argument(
        optional(FRACTION),
        None,
        "extension: largest share of one layer's structures to prune, 0 to 1",
    )

    def alone(self) -> Self:
        return dataclasses.replace(
            super().alone(), ranking="layer", normalizer=None, most_per_layer=None
        )

    def comparison(self) -> dict[str, Any]:
        """Return how the layers are compared: `normalizer` and `most_per_layer`."""
        most = self.most_per_layer
        return {
            "normalizer": self.normalizer or "mean",
            "most_per_layer": 1.0 if most is None else most,
        }


@dataclass(frozen=True, kw_only=True)
class Blocks(Ranked):
    """Lets every kind of structure be ranked, blocks too."""

    group_type: str = argument(
        choice(*STRUCTURES),
        help_text="Filters or 3D (dimension 0), Channels or Rows (dimension 1), Blocks, "
        "TemporalSlices (extension: positions in time of a kernel)",
    )
    kwargs: Mapping[str, Any] | None = argument(
        optional(anything), None, "for Blocks: `{block_shape: [repetitions, depth, 1, 1]}`"
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super().conflicts(given)
        kwargs = given.get("kwargs")
        has_shape = isinstance(kwargs, Mapping) and _is_block(kwargs.get("block_shape"))
        if given.get("group_type") == "Blocks" and not has_shape:
            yield "group_type Blocks needs kwargs: {block_shape: [repetitions, depth, 1, 1]}"

    def block_shape(self) -> Sequence[int] | None:
        if self.group_type != "Blocks" or self.kwargs is None:
            return None
        shape: Sequence[int] = self.kwargs["block_shape"]
        return shape


def _is_block(shape: Any) -> bool:
    if not isinstance(shape, list | tuple) or len(shape) < 2:
        return False
    whole = all(isinstance(size, int) and size > 0 for size in shape)
    return whole and all(size == 1 for size in shape[2:])


def ranked_pruner(
    arguments: Ranked,
    site: Site,
    *,
    score: Score,
    cls: type[RankedPruner] = RankedPruner,
) -> RankedPruner:
    """Build a pruner of structures with the dependency and the ranking that the schedule asks for.

    Args:
        arguments: of the schedule.
        site: the network, and the part's place in the file.
        score: what ranks.
        cls: what ranks each layer by itself.
    """
    options: dict[str, Any] = {**ranked_options(arguments), "score": score}
    weights = site.names(arguments.weights)
    if arguments.group_type == TEMPORAL_SLICES and options["group_size"] != 1:
        site.problem("group_size", "TemporalSlices go one by one")
    if isinstance(arguments, AcrossLayers) and _is_global(arguments, site):
        return _global(arguments, site, weights, {**options, **arguments.comparison()})
    if arguments.group_dependency == "Coupled":
        groups = _coupled_groups(arguments, site, weights)
        return CoupledPruner(groups, site.network.channel_groups(), **options)
    check_shapes(arguments, site, weights)
    leader = arguments.group_dependency == "Leader"
    return cls(weights, leader=leader, block_shape=arguments.block_shape(), **options)


def ranked_options(arguments: Ranked) -> dict[str, Any]:
    """Return what every ranked pruner is told."""
    return {
        "group_type": arguments.group_type,
        "fraction": arguments.fraction(),
        **arguments.counting(),
    }


def check_shapes(arguments: Ranked, site: Site, weights: tuple[str, ...]) -> None:
    """Note the weights that do not have the structures that are to be ranked."""
    block_shape = arguments.block_shape()
    for name in weights:
        weight = site.network.resolver.parameters[name]
        try:
            if block_shape is not None:
                block_view(weight.detach(), block_shape)
            else:
                map_dims(arguments.group_type, weight, ranking=True)
        except UnfitStructure as error:
            site.problem("weights", f"{name}: {error}")


def _coupled_groups(
    arguments: Ranked, site: Site, weights: tuple[str, ...]
) -> list[tuple[str, ...]]:
    if not arguments.ranks_filters():
        site.problem("group_type", "group_dependency: Coupled prunes Filters only")
    listed = set(weights)
    groups = [group for group in site.network.filter_groups() if listed & set(group)]
    if not groups:
        site.problem("weights", "no listed weight has filters that can be removed")
    return groups


def _is_global(arguments: AcrossLayers, site: Site) -> bool:
    """Return whether all layers are ranked together; note options that need it without it."""
    if arguments.ranking == "global":
        return True
    for key in ("normalizer", "most_per_layer"):
        if getattr(arguments, key) is not None:
            site.problem(key, "needs ranking: global")
    return False


def _global(
    arguments: Ranked, site: Site, weights: tuple[str, ...], options: Mapping[str, Any]
) -> RankedPruner:
    if arguments.group_type not in ("Filters", "3D", "Channels", "Rows"):
        site.problem("group_type", "ranking: global takes Filters or Channels")
    if arguments.group_dependency == "Leader":
        site.problem("group_dependency", "ranking: global has no leader: use Coupled, or nothing")
    if options["group_size"] != 1:
        site.problem("group_size", "ranking: global takes single structures")
    if arguments.group_dependency == "Coupled":
        groups = _coupled_groups(arguments, site, weights)
        return GlobalCoupledPruner(groups, site.network.channel_groups(), **options)
    check_shapes(arguments, site, weights)
    return GlobalRankedPruner(weights, **options)
