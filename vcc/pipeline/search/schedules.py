"""The schedule file of a candidate, by which `compress` makes it again."""

from __future__ import annotations

from typing import Any

from vcc.compression.schedule.edits import act, define
from vcc.compression.schedule.epochs import epoch_list, epoch_range
from vcc.compression.schedule.schedule import Component, Schedule
from vcc.pipeline.search.space import SearchCandidate, Space
from vcc.pipeline.search.structure import renamed

# Of twelve epochs, as in the shipped schedules: five to prune, four in integers at the end.
_RAMP, _SLOW, _INTEGERS = 5 / 12, 7 / 12, 1 / 3


def schedule_text(
    candidate: SearchCandidate,
    space: Space,
    *,
    n_epochs: int,
    quant_target: str | None,
    header: dict[str, str],
) -> str:
    """Return a candidate's schedule as YAML: decompose, prune, thin, train on, with a teacher.

    Args:
        candidate: what to do.
        space: that it is of.
        n_epochs: epochs of the compression, at least 3.
        quant_target: of the runtime, for integers.
        header: title -> line of its comments.

    Raises:
        ScheduleError: an argument is out of range, which is a defect.
    """
    schedule = _schedule(candidate, space, n_epochs=n_epochs, quant_target=quant_target)
    comments = "".join(f"# {f'{title}:':<9} {line}\n" for title, line in header.items())
    return comments + schedule.to_yaml()


def _schedule(
    candidate: SearchCandidate, space: Space, *, n_epochs: int, quant_target: str | None
) -> Schedule:
    ramp = max(1, round(_RAMP * n_epochs))
    integers = n_epochs - max(1, round(_INTEGERS * n_epochs)) if candidate.int8 else n_epochs
    decomposers, pruners = _decomposers(candidate, space), _pruners(candidate, space)
    parts = [*decomposers, *pruners]
    policies = [act("decomposer", part.name, epoch_list([0])) for part in decomposers]
    if pruners:
        parts.append(
            define("extensions", "thinner", "FilterRemover", thinning_func_str="remove_filters")
        )
    if parts:
        parts.append(define("extensions", "statistics", "PreciseBN"))
    if decomposers:
        policies.append(act("extension", "statistics", epoch_list([0])))
    if pruners:
        policies += [act("pruner", part.name, epoch_range(0, ramp)) for part in pruners]
        policies += [act("extension", name, epoch_list([ramp])) for name in _AT_THE_END]
    parts += [define("distillers", "teacher", "KnowledgeDistillation", **_TEACHER)]
    parts += [_decay(ramp, n_epochs)]
    policies.append(act("lr_scheduler", "decay", epoch_range(0, integers)))
    if candidate.int8:
        parts.append(_int8(quant_target))
        policies.append(act("quantizer", "int8", epoch_range(integers, n_epochs)))
    policies.append(act("distiller", "teacher", epoch_range(0, n_epochs)))
    return Schedule(tuple(parts), tuple(policies), version=1)


_TEACHER = {"temperature": 4.0, "distill_weight": 0.7, "student_weight": 0.3}
# of the pruning: thinned, then BatchNorms' statistics estimated again
_AT_THE_END = ("thinner", "statistics")


def _decomposers(candidate: SearchCandidate, space: Space) -> list[Component]:
    return [
        define(
            "decomposers",
            unit,
            "SpatialTemporalDecomposer",
            rank_share=share,
            weights=space.units[unit],
        )
        for unit, share in candidate.ranks.items()
        if share < 1
    ]


def _pruners(candidate: SearchCandidate, space: Space) -> list[Component]:
    decomposed = frozenset(
        weight.removesuffix(".weight")
        for unit, share in candidate.ranks.items()
        if share < 1
        for weight in space.units[unit]
    )
    return [
        define(
            "pruners",
            group.name,
            "L1RankedStructureParameterPruner_AGP",
            initial_sparsity=round(candidate.filters[group.name] / 4, 4),
            final_sparsity=candidate.filters[group.name],
            group_type="Filters",
            group_dependency="Coupled",
            weights=[renamed(weight, decomposed) for weight in group.weights],
        )
        for group in space.groups
        if candidate.filters[group.name] > 0
    ]


def _decay(ramp: int, n_epochs: int) -> Component:
    slow = max(ramp + 1, round(_SLOW * n_epochs))
    steps: dict[str, Any] = {"milestones": [ramp, slow], "gammas": [0.5, 0.2]}
    return define("lr_schedulers", "decay", "MultiStepMultiGammaLR", **steps)


def _int8(quant_target: str | None) -> Component:
    return define(
        "quantizers",
        "int8",
        "QuantAwareTrainRangeLinearQuantizer",
        bits_activations=8,
        bits_weights=8,
        bits_bias=None,
        ema_decay=0.99,
        quant_target=quant_target or "cpu",
    )
