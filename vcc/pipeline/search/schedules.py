"""The schedule file of a candidate, by which `compress` makes it again."""

from __future__ import annotations

from typing import Any

import yaml

from vcc.compression.schedule.loader import load_schedule
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
        ScheduleError: it would be none, which is a defect.
    """
    content = _content(candidate, space, n_epochs=n_epochs, quant_target=quant_target)
    load_schedule(content)
    comments = "".join(f"# {f'{title}:':<9} {line}\n" for title, line in header.items())
    return comments + yaml.safe_dump(content, sort_keys=False)


def _content(
    candidate: SearchCandidate, space: Space, *, n_epochs: int, quant_target: str | None
) -> dict[str, Any]:
    sections: dict[str, Any] = {"version": 1}
    if candidate.clip:
        sections["clips"] = space.clips[candidate.clip].chosen()
    structure = _structure(candidate, space, n_epochs=n_epochs)
    training = _training(candidate, space, n_epochs=n_epochs, quant_target=quant_target)
    policies = [*structure.pop("policies"), *training.pop("policies")]
    return {**sections, **structure, **training, "policies": policies}


def _structure(candidate: SearchCandidate, space: Space, *, n_epochs: int) -> dict[str, Any]:
    """Return what changes the structure: the stem cut, layers decomposed, filters pruned."""
    cut, pruners = _cut_in_time(candidate, space), _pruners(candidate, space)
    decomposers, ramp = _decomposers(candidate, space), _ramp(candidate, n_epochs)
    # One weight has one mask: filters are ranked once the stem's ends are gone.
    first = 1 if cut else 0
    thinned = [0] * bool(cut) + [ramp] * bool(pruners)
    settled = sorted({*([0] if decomposers else []), *thinned})
    extensions = _extensions(thins=bool(thinned)) if settled else {}
    sections = {"decomposers": decomposers, "pruners": cut | pruners, "extensions": extensions}
    policies = [_at("pruner", name, 0) for name in cut]
    policies += [_at("extension", "thinner", *thinned)] if thinned else []
    policies += [_at("decomposer", name, 0) for name in decomposers]
    policies += [_at("extension", "statistics", *settled)] if settled else []
    policies += [_during("pruner", name, first, ramp) for name in pruners]
    return {**{name: made for name, made in sections.items() if made}, "policies": policies}


def _training(
    candidate: SearchCandidate, space: Space, *, n_epochs: int, quant_target: str | None
) -> dict[str, Any]:
    """Return what trains: a teacher, a falling rate, and integers at the end."""
    integers = n_epochs - max(1, round(_INTEGERS * n_epochs)) if candidate.int8 else n_epochs
    sections: dict[str, Any] = {
        "distillers": {"teacher": dict(_TEACHER)},
        "lr_schedulers": {"decay": _decay(_ramp(candidate, n_epochs), n_epochs)},
    }
    policies = [_during("lr_scheduler", "decay", 0, integers)]
    if candidate.int8:
        own = space.precision(candidate).overrides()
        quantizer = {**_INT8, "quant_target": quant_target or "cpu", **own}
        sections["quantizers"] = {"int8": quantizer}
        policies.append(_during("quantizer", "int8", integers, n_epochs))
    policies.append(_during("distiller", "teacher", 0, n_epochs))
    return {**sections, "policies": policies}


def _ramp(candidate: SearchCandidate, n_epochs: int) -> int:
    """Return the epoch before which filters go."""
    return max(2 if candidate.taps else 1, round(_RAMP * n_epochs))


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


def _cut_in_time(candidate: SearchCandidate, space: Space) -> dict[str, Any]:
    if space.stem_time is None or not candidate.taps:
        return {}
    pruner = {
        "class": "L1RankedStructureParameterPruner",
        "desired_sparsity": space.stem_time.share(candidate.taps),
        "group_type": "TemporalSlices",
        "weights": [space.stem_time.weight],
    }
    return {_CUT: pruner}


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


def _at(kind: str, name: str, *epochs: int) -> dict[str, Any]:
    return {kind: {"instance_name": name}, "epochs": list(epochs)}


def _during(kind: str, name: str, start: int, end: int) -> dict[str, Any]:
    epochs = {"starting_epoch": start, "ending_epoch": end, "frequency": 1}
    return {kind: {"instance_name": name}, **epochs}
