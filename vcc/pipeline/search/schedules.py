"""The schedule file of a candidate, by which `compress` makes it again."""

from __future__ import annotations

from typing import Any

from vcc.compression.schedule.edits import act, define
from vcc.compression.schedule.epochs import epoch_list, epoch_range
from vcc.compression.schedule.frozen import freeze
from vcc.compression.schedule.schedule import Component, PolicySpec, Schedule
from vcc.pipeline.search.knobs.precision import Precision
from vcc.pipeline.search.space import SearchCandidate, Space
from vcc.pipeline.search.structure import renamed

# Of twelve epochs, as in the shipped schedules: five to prune, four in integers at the end.
_RAMP, _SLOW, _INTEGERS = 5 / 12, 7 / 12, 1 / 3
# What the pruner of the stem's taps is called in a schedule.
_CUT = "stem_time"


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
    structure, changes = _structure(candidate, space, n_epochs=n_epochs)
    training, policies = _training(candidate, space, n_epochs=n_epochs, quant_target=quant_target)
    clips = space.clips[candidate.clip].chosen() if candidate.clip else {}
    return Schedule((*structure, *training), (*changes, *policies), clips=freeze(clips), version=1)


def _structure(
    candidate: SearchCandidate, space: Space, *, n_epochs: int
) -> tuple[list[Component], list[PolicySpec]]:
    """Return what changes the structure: the stem cut, layers decomposed, filters pruned."""
    cut, pruners = _cut_in_time(candidate, space), _pruners(candidate, space)
    decomposers, ramp = _decomposers(candidate, space), _ramp(candidate, n_epochs)
    # One weight has one mask: filters are ranked once the stem's ends are gone.
    filters = epoch_range(1 if cut else 0, ramp)
    thinned = [0] * bool(cut) + [ramp] * bool(pruners)
    settled = sorted({*([0] if decomposers else []), *thinned})
    policies = [act("pruner", part.name, epoch_list([0])) for part in cut]
    policies += [act("extension", "thinner", epoch_list(thinned))] if thinned else []
    policies += [act("decomposer", part.name, epoch_list([0])) for part in decomposers]
    policies += [act("extension", "statistics", epoch_list(settled))] if settled else []
    policies += [act("pruner", part.name, filters) for part in pruners]
    extensions = [_THINNER] * bool(thinned) + [_STATISTICS] * bool(settled)
    return [*decomposers, *cut, *pruners, *extensions], policies


def _training(
    candidate: SearchCandidate, space: Space, *, n_epochs: int, quant_target: str | None
) -> tuple[list[Component], list[PolicySpec]]:
    """Return what trains: a teacher, a falling rate, and integers at the end."""
    integers = n_epochs - max(1, round(_INTEGERS * n_epochs)) if candidate.int8 else n_epochs
    parts = [_TEACHER, _decay(_ramp(candidate, n_epochs), n_epochs)]
    policies = [act("lr_scheduler", "decay", epoch_range(0, integers))]
    if candidate.int8:
        parts.append(_int8(quant_target, space.precision(candidate)))
        policies.append(act("quantizer", "int8", epoch_range(integers, n_epochs)))
    policies.append(act("distiller", "teacher", epoch_range(0, n_epochs)))
    return parts, policies


def _ramp(candidate: SearchCandidate, n_epochs: int) -> int:
    """Return the epoch before which filters go."""
    return max(2 if candidate.taps else 1, round(_RAMP * n_epochs))


_THINNER = define("extensions", "thinner", "FilterRemover", thinning_func_str="remove_filters")
_STATISTICS = define("extensions", "statistics", "PreciseBN")
_TEACHER = define(
    "distillers",
    "teacher",
    "KnowledgeDistillation",
    temperature=4.0,
    distill_weight=0.7,
    student_weight=0.3,
)


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


def _cut_in_time(candidate: SearchCandidate, space: Space) -> list[Component]:
    if space.stem_time is None or not candidate.taps:
        return []
    return [
        define(
            "pruners",
            _CUT,
            "L1RankedStructureParameterPruner",
            desired_sparsity=space.stem_time.share(candidate.taps),
            group_type="TemporalSlices",
            weights=(space.stem_time.weight,),
        )
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


def _int8(quant_target: str | None, precision: Precision) -> Component:
    return define(
        "quantizers",
        "int8",
        "QuantAwareTrainRangeLinearQuantizer",
        bits_activations=8,
        bits_weights=8,
        bits_bias=None,
        ema_decay=0.99,
        quant_target=quant_target or "cpu",
        **precision.overrides(),
    )
