"""The schedule file of a candidate, by which `compress` makes it again."""

from __future__ import annotations

from typing import Any

import yaml

from vcc.compression.schedule.loader import load_schedule
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
        ScheduleError: it would be none, which is a defect.
    """
    content = _content(candidate, space, n_epochs=n_epochs, quant_target=quant_target)
    load_schedule(content)
    comments = "".join(f"# {f'{title}:':<9} {line}\n" for title, line in header.items())
    return comments + yaml.safe_dump(content, sort_keys=False)


def _content(
    candidate: SearchCandidate, space: Space, *, n_epochs: int, quant_target: str | None
) -> dict[str, Any]:
    ramp = max(1, round(_RAMP * n_epochs))
    integers = n_epochs - max(1, round(_INTEGERS * n_epochs)) if candidate.int8 else n_epochs
    decomposers = _decomposers(candidate, space)
    pruners = _pruners(candidate, space)
    sections: dict[str, Any] = {"version": 1}
    policies: list[dict[str, Any]] = []
    if decomposers:
        sections["decomposers"] = decomposers
        policies += [_at("decomposer", name, 0) for name in decomposers]
        policies.append(_at("extension", "statistics", 0))
    if pruners:
        sections["pruners"] = pruners
        policies += [_during("pruner", name, 0, ramp) for name in pruners]
        policies += [_at("extension", "thinner", ramp), _at("extension", "statistics", ramp)]
    sections["extensions"] = _extensions(thins=bool(pruners))
    if not (decomposers or pruners):
        del sections["extensions"]
    sections["distillers"] = {"teacher": dict(_TEACHER)}
    sections["lr_schedulers"] = {"decay": _decay(ramp, n_epochs)}
    policies.append(_during("lr_scheduler", "decay", 0, integers))
    if candidate.int8:
        sections["quantizers"] = {"int8": {**_INT8, "quant_target": quant_target or "cpu"}}
        policies.append(_during("quantizer", "int8", integers, n_epochs))
    policies.append(_during("distiller", "teacher", 0, n_epochs))
    return {**sections, "policies": policies}


_TEACHER = {
    "class": "KnowledgeDistillation",
    "temperature": 4.0,
    "distill_weight": 0.7,
    "student_weight": 0.3,
}
_INT8 = {
    "class": "QuantAwareTrainRangeLinearQuantizer",
    "bits_activations": 8,
    "bits_weights": 8,
    "bits_bias": None,
    "ema_decay": 0.99,
}


def _decomposers(candidate: SearchCandidate, space: Space) -> dict[str, Any]:
    return {
        unit: {
            "class": "SpatialTemporalDecomposer",
            "rank_share": share,
            "weights": list(space.units[unit]),
        }
        for unit, share in candidate.ranks.items()
        if share < 1
    }


def _pruners(candidate: SearchCandidate, space: Space) -> dict[str, Any]:
    decomposed = frozenset(
        weight.removesuffix(".weight")
        for unit, share in candidate.ranks.items()
        if share < 1
        for weight in space.units[unit]
    )
    return {
        group.name: {
            "class": "L1RankedStructureParameterPruner_AGP",
            "initial_sparsity": round(candidate.filters[group.name] / 4, 4),
            "final_sparsity": candidate.filters[group.name],
            "group_type": "Filters",
            "group_dependency": "Coupled",
            "weights": [renamed(weight, decomposed) for weight in group.weights],
        }
        for group in space.groups
        if candidate.filters[group.name] > 0
    }


def _extensions(*, thins: bool) -> dict[str, Any]:
    statistics: dict[str, Any] = {"statistics": {"class": "PreciseBN"}}
    if not thins:
        return statistics
    thinner = {"class": "FilterRemover", "thinning_func_str": "remove_filters"}
    return {"thinner": thinner, **statistics}


def _decay(ramp: int, n_epochs: int) -> dict[str, Any]:
    slow = max(ramp + 1, round(_SLOW * n_epochs))
    return {"class": "MultiStepMultiGammaLR", "milestones": [ramp, slow], "gammas": [0.5, 0.2]}


def _at(kind: str, name: str, epoch: int) -> dict[str, Any]:
    return {kind: {"instance_name": name}, "epochs": [epoch]}


def _during(kind: str, name: str, start: int, end: int) -> dict[str, Any]:
    epochs = {"starting_epoch": start, "ending_epoch": end, "frequency": 1}
    return {kind: {"instance_name": name}, **epochs}
