"""Factories of the dialect's regularizers."""

from __future__ import annotations

from collections.abc import Callable

from vcc.compression.engine.build_context import BuildContext
from vcc.compression.masks.structures import UnfitStructure, map_dims
from vcc.compression.regularizers.terms import (
    GroupLassoRegularizer,
    GroupVarianceRegularizer,
    L1Regularizer,
    L2Regularizer,
    Regularizer,
)
from vcc.compression.schedule.schedule import Component

Factory = Callable[[Component, BuildContext], Regularizer]
Regimes = dict[str, tuple[float, str]]


def _regimes(part: Component, context: BuildContext) -> Regimes:
    regimes: Regimes = {}
    for name, (strength, group) in context.table(part, "reg_regims").items():
        for piece in group.split("+"):
            try:
                if piece != "4D":
                    map_dims(piece, context.resolver.parameters[name])
            except UnfitStructure as error:
                context.problem((*part.path, "reg_regims", name), str(error))
        regimes[name] = (strength, group)
    return regimes


def _l1(part: Component, context: BuildContext) -> Regularizer:
    return L1Regularizer(context.table(part, "reg_regims"), part.args.get("threshold_criteria"))


def _l2(part: Component, context: BuildContext) -> Regularizer:
    return L2Regularizer(context.table(part, "reg_regims"))


def _group_lasso(part: Component, context: BuildContext) -> Regularizer:
    return GroupLassoRegularizer(_regimes(part, context), part.args.get("threshold_criteria"))


def _group_variance(part: Component, context: BuildContext) -> Regularizer:
    return GroupVarianceRegularizer(_regimes(part, context))


REGULARIZER_FACTORIES: dict[str, Factory] = {
    "L1Regularizer": _l1,
    "L2Regularizer": _l2,
    "GroupLassoRegularizer": _group_lasso,
    "GroupVarianceRegularizer": _group_variance,
}
