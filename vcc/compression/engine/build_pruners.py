"""Factories of the dialect's pruners: a definition of the schedule to a pruner of this network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vcc.compression.engine.build_context import BuildContext
from vcc.compression.engine.build_ranked import (
    check_shapes,
    has_leader,
    ranked_options,
    ranked_pruner,
)
from vcc.compression.masks.structures import TEMPORAL_SLICES, UnfitStructure, map_dims
from vcc.compression.pruners.activation import ActivationRankedPruner
from vcc.compression.pruners.activation_stats import ActivationStatistics
from vcc.compression.pruners.base import Pruner
from vcc.compression.pruners.elementwise import (
    AutomatedGradualPruner,
    BaiduRNNPruner,
    LevelPruner,
    MagnitudePruner,
    SensitivityPruner,
    SplicingPruner,
)
from vcc.compression.pruners.filter_scores import BatchNormScaleScore, GeometricMedianScore
from vcc.compression.pruners.ranked import BernoulliPruner
from vcc.compression.pruners.scores import GradientScore, NormScore, RandomScore, Score
from vcc.compression.pruners.slimming import SlimmingPruner
from vcc.compression.pruners.structure import StructurePruner
from vcc.compression.pruners.taylor import TaylorPruner, TaylorScore
from vcc.compression.schedule.schedule import Component

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


def _taylor(part: Component, context: BuildContext) -> Pruner:
    if part.args.get("group_type") == TEMPORAL_SLICES:
        score = TaylorScore({}, (2,))
    else:
        score = TaylorScore(context.gates(part.class_name), (0,))
    return TaylorPruner(ranked_pruner(part, context, score=score), score)


def _batchnorm_scale(part: Component, context: BuildContext) -> Pruner:
    gates = context.gates(part.class_name)
    pruner = ranked_pruner(part, context, score=BatchNormScaleScore(gates))
    for name in pruner.targets:
        if name not in gates:
            context.problem((*part.path, "weights"), f"{name} has no BatchNorm behind it")
    return pruner


def _bernoulli(part: Component, context: BuildContext) -> Pruner:
    return ranked_pruner(part, context, score=RandomScore(), cls=BernoulliPruner)


def _activation(statistic: str, sign: int) -> Factory:
    def build(part: Component, context: BuildContext) -> Pruner:
        names = context.names(part)
        if part.args.get("group_dependency") == "Coupled":
            words = "activations rank no coupled groups: a residual stream's layers share theirs"
            context.problem((*part.path, "group_dependency"), words)
        statistics = ActivationStatistics(
            context.model,
            names,
            followers=context.known_batchnorms(),
            statistic=statistic,
        )
        statistics.start()
        options = {**ranked_options(part), "statistics": statistics, "sign": sign}
        check_shapes(part, context, names, None)
        return ActivationRankedPruner(names, leader=has_leader(part), **options)

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
        context.channel_groups(),
        part.args["desired_sparsity"],
        most_per_layer=part.args.get("most_per_layer", 1.0),
    )


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
    "TaylorRankedFilterPruner": _taylor,
    "TaylorRankedFilterPruner_AGP": _taylor,
    "FPGMRankedFilterPruner": _scored(lambda context: GeometricMedianScore()),
    "FPGMRankedFilterPruner_AGP": _scored(lambda context: GeometricMedianScore()),
    "BNScaleRankedFilterPruner": _batchnorm_scale,
    "BNScaleRankedFilterPruner_AGP": _batchnorm_scale,
    "BernoulliFilterPruner": _bernoulli,
    "BernoulliFilterPruner_AGP": _bernoulli,
}
