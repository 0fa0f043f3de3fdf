"""Factories of the dialect's pruners: a definition of the schedule to a pruner of this network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vcc.compression.activation_stats import ActivationStatistics
from vcc.compression.build_context import BuildContext
from vcc.compression.pruners.activation import ActivationRankedPruner
from vcc.compression.pruners.base import Pruner
from vcc.compression.pruners.elementwise import (
    AutomatedGradualPruner,
    BaiduRNNPruner,
    LevelPruner,
    MagnitudePruner,
    SensitivityPruner,
    SplicingPruner,
)
from vcc.compression.pruners.fractions import (
    AgpFraction,
    ConstantFraction,
    Fraction,
    RandomFraction,
)
from vcc.compression.pruners.ranked import BernoulliPruner, CoupledPruner, RankedPruner
from vcc.compression.pruners.scores import GradientScore, NormScore, RandomScore, Score
from vcc.compression.pruners.structure import SlimmingPruner, StructurePruner
from vcc.compression.schedule import Component
from vcc.compression.structures import UnfitStructure, block_view, map_dims

Factory = Callable[[Component, BuildContext], Pruner]


def _magnitude(part: Component, context: BuildContext) -> Pruner:
    if "*" not in part.args["thresholds"]:
        context.problem((*part.path, "thresholds"), "needs the key '*' for all other parameters")
    return MagnitudePruner(context.table(part, "thresholds"))


def _level(part: Component, context: BuildContext) -> Pruner:
    return LevelPruner(context.table(part, "levels"))


def _sensitivity(part: Component, context: BuildContext) -> Pruner:
    return SensitivityPruner(context.table(part, "sensitivities"))


def _agp(part: Component, context: BuildContext) -> Pruner:
    return AutomatedGradualPruner(
        initial_sparsity=part.args["initial_sparsity"],
        final_sparsity=part.args["final_sparsity"],
        weights=context.names(part),
    )


def _splicing(part: Component, context: BuildContext) -> Pruner:
    return SplicingPruner(
        context.table(part, "sensitivities"),
        low_mult=part.args["low_thresh_mult"],
        high_mult=part.args["hi_thresh_mult"],
        multiplier=part.args.get("sensitivity_multiplier", 0.0),
    )


def _baidu(part: Component, context: BuildContext) -> Pruner:
    return BaiduRNNPruner(
        q=part.args["q"],
        ramp_epoch_offset=part.args["ramp_epoch_offset"],
        ramp_slope_mult=part.args["ramp_slope_mult"],
        weights=context.names(part),
    )


def _fraction(args: Mapping[str, Any]) -> Fraction:
    if "initial_sparsity" in args:
        return AgpFraction(args["initial_sparsity"], args["final_sparsity"])
    if "sparsity_range" in args:
        low, high = args["sparsity_range"]
        return RandomFraction(low, high)
    return ConstantFraction(args["desired_sparsity"])


def _norm_ranked(order: int) -> Factory:
    def build(part: Component, context: BuildContext) -> Pruner:
        shape = _block_shape(part)
        score = NormScore(order, noise=part.args.get("noise", 0.0), block_shape=shape)
        return ranked_pruner(part, context, score=score, block_shape=shape)

    return build


def _scored(make: Callable[[BuildContext], Score]) -> Factory:
    def build(part: Component, context: BuildContext) -> Pruner:
        return ranked_pruner(part, context, score=make(context))

    return build


def _bernoulli(part: Component, context: BuildContext) -> Pruner:
    return ranked_pruner(part, context, score=RandomScore(), cls=BernoulliPruner)


def _activation(statistic: str, sign: int) -> Factory:
    def build(part: Component, context: BuildContext) -> Pruner:
        names = context.names(part)
        statistics = ActivationStatistics(
            context.model,
            names,
            followers=context.known_batchnorms(),
            statistic=statistic,
        )
        statistics.start()
        options = {**_ranked_options(part), "statistics": statistics, "sign": sign}
        _check_shapes(part, context, names, None)
        return ActivationRankedPruner(names, leader=_has_leader(part), **options)

    return build


def _structure(part: Component, context: BuildContext) -> Pruner:
    regimes = {}
    for name, (threshold, group) in context.table(part, "reg_regims").items():
        try:
            map_dims(group, context.resolver.parameters[name])
        except UnfitStructure as error:
            context.problem((*part.path, "reg_regims", name), str(error))
        regimes[name] = (threshold, group)
    return StructurePruner(regimes, part.args["threshold_criteria"])


def _slimming(part: Component, context: BuildContext) -> Pruner:
    listed = set(context.names(part))
    batchnorms = context.batchnorms("NetworkSlimmingPruner")
    groups = []
    for group in context.filter_groups():
        members = []
        for name in group:
            follower = batchnorms.get(name.removesuffix(".weight"))
            if follower is not None:
                members.append((name, f"{follower}.weight", f"{follower}.bias"))
        wanted = any({weight, scale} & listed for weight, scale, _ in members)
        if wanted and len(members) == len(group):
            groups.append(tuple(members))
    if not groups:
        words = "lists no convolution (or its BatchNorm's scale) whose filters can be removed"
        context.problem((*part.path, "weights"), words)
    return SlimmingPruner(
        groups,
        part.args["desired_sparsity"],
        most_per_layer=part.args.get("most_per_layer", 1.0),
    )


def ranked_pruner(
    part: Component,
    context: BuildContext,
    *,
    score: Score,
    block_shape: Sequence[int] | None = None,
    cls: type[RankedPruner] = RankedPruner,
) -> Pruner:
    """Build a pruner of structures with the dependency that the schedule asks for."""
    options: dict[str, Any] = {**_ranked_options(part), "score": score}
    names = context.names(part)
    if part.args.get("group_dependency") == "Coupled":
        return _coupled(part, context, names, options)
    _check_shapes(part, context, names, block_shape)
    return cls(names, leader=_has_leader(part), block_shape=block_shape, **options)


def _ranked_options(part: Component) -> dict[str, Any]:
    return {
        "group_type": part.args.get("group_type", "Filters"),
        "fraction": _fraction(part.args),
        "group_size": part.args.get("group_size", 1),
        "rounding": part.args.get("rounding_fn") or "floor",
    }


def _has_leader(part: Component) -> bool:
    return bool(part.args.get("group_dependency") == "Leader")


def _coupled(
    part: Component, context: BuildContext, names: tuple[str, ...], options: dict[str, Any]
) -> Pruner:
    if options["group_type"] not in ("Filters", "3D"):
        context.problem((*part.path, "group_type"), "group_dependency: Coupled prunes Filters only")
    listed = set(names)
    groups = [group for group in context.filter_groups() if listed & set(group)]
    if not groups:
        context.problem((*part.path, "weights"), "no listed weight has filters that can be removed")
    return CoupledPruner(groups, cells=context.filter_cells, **options)


def _check_shapes(
    part: Component,
    context: BuildContext,
    names: tuple[str, ...],
    block_shape: Sequence[int] | None,
) -> None:
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


def _block_shape(part: Component) -> Sequence[int] | None:
    if part.args.get("group_type") != "Blocks":
        return None
    shape: Sequence[int] = part.args["kwargs"]["block_shape"]
    return shape


PRUNER_FACTORIES: dict[str, Factory] = {
    "MagnitudeParameterPruner": _magnitude,
    "SparsityLevelParameterPruner": _level,
    "SensitivityPruner": _sensitivity,
    "AutomatedGradualPruner": _agp,
    "SplicingPruner": _splicing,
    "BaiduRNNPruner": _baidu,
    "L1RankedStructureParameterPruner": _norm_ranked(1),
    "L2RankedStructureParameterPruner": _norm_ranked(2),
    "RandomLevelStructureParameterPruner": _norm_ranked(1),
    "L1RankedStructureParameterPruner_AGP": _norm_ranked(1),
    "L2RankedStructureParameterPruner_AGP": _norm_ranked(2),
    "GradientRankedFilterPruner": _scored(lambda context: GradientScore(context.model)),
    "GradientRankedFilterPruner_AGP": _scored(lambda context: GradientScore(context.model)),
    "RandomRankedFilterPruner": _scored(lambda context: RandomScore()),
    "RandomRankedFilterPruner_AGP": _scored(lambda context: RandomScore()),
    "ActivationAPoZRankedFilterPruner": _activation("apoz", -1),
    "ActivationAPoZRankedFilterPruner_AGP": _activation("apoz", -1),
    "ActivationMeanRankedFilterPruner": _activation("mean", 1),
    "ActivationMeanRankedFilterPruner_AGP": _activation("mean", 1),
    "StructureParameterPruner": _structure,
    "NetworkSlimmingPruner": _slimming,
    "BernoulliFilterPruner": _bernoulli,
    "BernoulliFilterPruner_AGP": _bernoulli,
}
