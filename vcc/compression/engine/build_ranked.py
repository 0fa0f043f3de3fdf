"""Ranked pruners of a definition: what is ranked together, and what share of it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vcc.compression.engine.build_context import BuildContext
from vcc.compression.masks.structures import TEMPORAL_SLICES, UnfitStructure, block_view, map_dims
from vcc.compression.pruners.coupled import CoupledPruner
from vcc.compression.pruners.fractions import (
    AgpFraction,
    ConstantFraction,
    Fraction,
    RandomFraction,
)
from vcc.compression.pruners.global_ranked import GlobalCoupledPruner, GlobalRankedPruner
from vcc.compression.pruners.ranked import RankedPruner
from vcc.compression.pruners.scores import Score
from vcc.compression.schedule.schedule import Component


def ranked_pruner(
    part: Component,
    context: BuildContext,
    *,
    score: Score,
    block_shape: Sequence[int] | None = None,
    cls: type[RankedPruner] = RankedPruner,
) -> RankedPruner:
    """Build a pruner of structures with the dependency and the ranking that the schedule asks for.

    Args:
        part: the definition.
        context: the network.
        score: what ranks.
        block_shape: of the group type Blocks.
        cls: what ranks each layer by itself.
    """
    options: dict[str, Any] = {**ranked_options(part), "score": score}
    names = context.names(part)
    _check_slices(part, context)
    if _is_global(part, context):
        return _global(part, context, names, options)
    if part.args.get("group_dependency") == "Coupled":
        groups = _coupled_groups(part, context, names)
        return CoupledPruner(groups, context.channel_groups(), **options)
    check_shapes(part, context, names, block_shape)
    return cls(names, leader=has_leader(part), block_shape=block_shape, **options)


def ranked_options(part: Component) -> dict[str, Any]:
    """Return the arguments that every ranked pruner shares."""
    return {
        "group_type": part.args.get("group_type", "Filters"),
        "fraction": _fraction(part.args),
        "group_size": part.args.get("group_size", 1),
        "rounding": part.args.get("rounding_fn") or "floor",
    }


def has_leader(part: Component) -> bool:
    """Return whether the first weight chooses for all."""
    return bool(part.args.get("group_dependency") == "Leader")


def _coupled_groups(
    part: Component, context: BuildContext, names: tuple[str, ...]
) -> list[tuple[str, ...]]:
    if part.args.get("group_type", "Filters") not in ("Filters", "3D"):
        context.problem((*part.path, "group_type"), "group_dependency: Coupled prunes Filters only")
    listed = set(names)
    groups = [group for group in context.filter_groups() if listed & set(group)]
    if not groups:
        context.problem((*part.path, "weights"), "no listed weight has filters that can be removed")
    return groups


def _is_global(part: Component, context: BuildContext) -> bool:
    """Return whether all layers are ranked together; note options that need it without it."""
    if part.args.get("ranking", "layer") == "global":
        return True
    for key in ("normalizer", "most_per_layer"):
        if part.args.get(key) is not None:
            context.problem((*part.path, key), "needs ranking: global")
    return False


def _global(
    part: Component, context: BuildContext, names: tuple[str, ...], options: dict[str, Any]
) -> RankedPruner:
    if options["group_type"] not in ("Filters", "3D", "Channels", "Rows"):
        context.problem((*part.path, "group_type"), "ranking: global takes Filters or Channels")
    if has_leader(part):
        words = "ranking: global has no leader: use Coupled, or nothing"
        context.problem((*part.path, "group_dependency"), words)
    if options["group_size"] != 1:
        context.problem((*part.path, "group_size"), "ranking: global takes single structures")
    most = part.args.get("most_per_layer")
    options |= {
        "normalizer": part.args.get("normalizer") or "mean",
        "most_per_layer": 1.0 if most is None else most,
    }
    if part.args.get("group_dependency") == "Coupled":
        groups = _coupled_groups(part, context, names)
        return GlobalCoupledPruner(groups, context.channel_groups(), **options)
    check_shapes(part, context, names, None)
    return GlobalRankedPruner(names, **options)


def _check_slices(part: Component, context: BuildContext) -> None:
    if part.args.get("group_type") == TEMPORAL_SLICES and part.args.get("group_size", 1) != 1:
        context.problem((*part.path, "group_size"), "TemporalSlices go one by one")


def check_shapes(
    part: Component,
    context: BuildContext,
    names: tuple[str, ...],
    block_shape: Sequence[int] | None,
) -> None:
    """Note the weights that do not have the structures that are to be ranked."""
    group = part.args.get("group_type", "Filters")
    for name in names:
        weight = context.resolver.parameters[name]
        try:
            if block_shape is not None:
                block_view(weight.detach(), block_shape)
            else:
                map_dims(group, weight, ranking=True)
        except UnfitStructure as error:
            context.problem((*part.path, "weights"), f"{name}: {error}")


def _fraction(args: Mapping[str, Any]) -> Fraction:
    if "initial_sparsity" in args:
        return AgpFraction(args["initial_sparsity"], args["final_sparsity"])
    if "sparsity_range" in args:
        low, high = args["sparsity_range"]
        return RandomFraction(low, high)
    return ConstantFraction(args["desired_sparsity"])
