"""Factories of policies: an entry of `policies` and its component to a policy object."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from vcc.compression.distillation.losses import DistillationSettings, check_features
from vcc.compression.engine.build_context import BuildContext
from vcc.compression.policies.base import Policy
from vcc.compression.policies.distillation import DistillationPolicy
from vcc.compression.policies.learning_rate import LearningRatePolicy
from vcc.compression.policies.pruning import PruningFlags, PruningPolicy
from vcc.compression.policies.quantization import QuantizationPolicy
from vcc.compression.policies.regularization import RegularizationPolicy
from vcc.compression.policies.thinning import ThinningPolicy
from vcc.compression.quantization.guard import AccuracyGuard, Budget
from vcc.compression.quantization.overrides import unmatched_patterns
from vcc.compression.quantization.settings import quantizer_settings
from vcc.compression.schedule.schedule import Component, PolicySpec, thaw
from vcc.compression.thinning.remove import thin_

# (section, instance name) -> what was built for it
Built = Mapping[tuple[str, str], Any]


def build_policy(spec: PolicySpec, built: Built, context: BuildContext) -> Policy | None:
    """Build one policy; None where its subject needs none."""
    return _FACTORIES[spec.subject](spec, built, context)


def _pruning(spec: PolicySpec, built: Built, context: BuildContext) -> Policy:
    args = dict(spec.args)
    levels = args.pop("levels", None)
    if levels is not None:
        levels = context.resolve_table(levels, (*spec.path, "pruner", "args", "levels"))
    pruner = built["pruners", spec.instance]
    in_epoch = args.get("mini_batch_pruning_frequency") or args.get("skip_first_minibatch")
    if pruner.needs_minibatches and len(set(spec.epochs.epochs)) == 1 and not in_epoch:
        words = (
            "ranks by the minibatches of its policy's epochs, so that it prunes nothing in the "
            "first: give the policy a second epoch, or mini_batch_pruning_frequency"
        )
        context.problem(spec.path, words)
    return PruningPolicy(
        spec.instance,
        spec.epochs,
        pruner,
        flags=PruningFlags(**args),
        levels=levels,
        rank_weight=context.folded_weight() if args.get("fold_batchnorm") else None,
    )


def _regularization(spec: PolicySpec, built: Built, context: BuildContext) -> Policy:
    return RegularizationPolicy(
        spec.instance, spec.epochs, built["regularizers", spec.instance], **dict(spec.args)
    )


def _quantization(spec: PolicySpec, built: Built, context: BuildContext) -> Policy | None:
    part = context.schedule.component(spec.subject, spec.instance)
    try:
        settings = quantizer_settings(part.class_name, thaw(part.args))
        unmatched = unmatched_patterns(context.model, settings.overrides)
    except ValueError as error:
        context.problem(part.path, str(error))
        return None
    for pattern in unmatched:
        context.problem((*part.path, "overrides", pattern), "matches no module of the network")
    return QuantizationPolicy(
        spec.instance,
        spec.epochs,
        context.model,
        settings,
        example_input=functools.partial(context.example_input, "quantization"),
        calibration=context.calibration,
        guard=_guard(part, context),
    )


def _guard(part: Component, context: BuildContext) -> AccuracyGuard | None:
    budget = part.args.get("guard")
    if budget is None:
        return None
    if context.measure is None:
        context.problem((*part.path, "guard"), "needs to measure: give file_config a measure")
        return None
    return AccuracyGuard(context.measure, Budget(**budget))


def _distillation(spec: PolicySpec, built: Built, context: BuildContext) -> Policy | None:
    part = context.schedule.component(spec.subject, spec.instance)
    args = thaw(part.args)
    named, features = args.pop("teacher", None), args.pop("features", None)
    args.pop("teacher_weight", None)
    if context.teacher is None:
        context.problem(part.path, "needs a teacher: give file_config one, as teacher=")
        return None
    teacher = context.teacher(named)
    if teacher is context.model:
        context.problem(part.path, "the teacher is the network itself: give a copy of it")
        return None
    problems = check_features(context.model, teacher, features or {})
    for words in problems:
        context.problem((*part.path, "features"), words)
    if problems:
        return None
    if features and not args.get("feature_weight"):
        context.problem((*part.path, "features"), "need a feature_weight above 0")
    return DistillationPolicy(
        spec.instance,
        spec.epochs,
        student=context.model,
        teacher=teacher,
        settings=DistillationSettings(**args),
        features=features,
    )


def _learning_rate(spec: PolicySpec, built: Built, context: BuildContext) -> Policy:
    part = context.schedule.component(spec.subject, spec.instance)
    return LearningRatePolicy(spec.instance, spec.epochs, part.class_name, thaw(part.args))


def _thinning(spec: PolicySpec, built: Built, context: BuildContext) -> Policy:
    part = context.schedule.component(spec.subject, spec.instance)
    channels = part.args.get("thinning_func_str", "remove_filters") != "remove_filters"
    thin = functools.partial(thin_, round_to=context.round_to)
    example = context.example_input(f"the extension {spec.instance}")
    return ThinningPolicy(
        spec.instance, spec.epochs, thin=thin, example_input=example, channels=channels
    )


_FACTORIES: dict[str, Callable[[PolicySpec, Built, BuildContext], Policy | None]] = {
    "pruner": _pruning,
    "regularizer": _regularization,
    "quantizer": _quantization,
    "distiller": _distillation,
    "lr_scheduler": _learning_rate,
    "extension": _thinning,
}
