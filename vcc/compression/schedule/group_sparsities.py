"""A schedule whose filter pruner is told, group by group, how sparse to become.

A target (`thinning_targets`) says how many filters each group of coupled convolutions may keep; the
schedule says when and how they are pruned. The pruner is split into one for each group, and each
policy that runs it into one for each of those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import nn

from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.schedule import Component, Schedule
from vcc.compression.schedule.selectors import NameResolver
from vcc.errors import ScheduleError

_FILTER_PRUNER = re.compile(
    r"((L1|L2)RankedStructureParameterPruner"
    r"|(Gradient|Random|Taylor|FPGM|BNScale)RankedFilterPruner)(_AGP)?"
)
_SPARSITIES = ("final_sparsity", "desired_sparsity")
# What divides a share among layers: a target does that itself.
_DIVIDING = ("ranking", "normalizer", "most_per_layer")
# Less than any difference that counts filters, more than a product's rounding error.
_ROUNDING = 1e-7


def filter_pruner(schedule: Schedule) -> Component:
    """Return the one pruner of filters that a target can direct.

    Raises:
        ScheduleError: the schedule has none, or several, or nothing that removes the filters.
    """
    found = [part for part in schedule.in_section("pruners") if _is_directed(part)]
    removes = any(policy.subject == "extension" for policy in schedule.policies)
    if len(found) != 1 or not removes:
        what = "no" if not found else str(len(found)) if len(found) > 1 else "one"
        msg = (
            f"{schedule.source}: has {what} pruner that ranks filters layer by layer and "
            f"{'a' if removes else 'no'} FilterRemover: a target needs one of each: take a "
            "schedule such as the shipped ones of compression_type=ep"
        )
        raise ScheduleError(msg)
    return found[0]


def prunable_weights(schedule: Schedule, model: nn.Module) -> tuple[str, ...]:
    """Return the weights that the schedule's filter pruner names."""
    names, _ = NameResolver(model).names(filter_pruner(schedule).args["weights"])
    return names


def with_sparsities(schedule: Schedule, sparsities: Mapping[tuple[str, ...], float]) -> Schedule:
    """Return the schedule with its filter pruner split by groups of weights.

    Args:
        schedule: has one pruner for which `filter_pruner` holds.
        sparsities: names of weights whose filters go together, to the share of filters that is
            pruned in the end; groups that are left out are not pruned.
    """
    directed = filter_pruner(schedule)
    mapping = schedule.as_mapping()
    original = mapping["pruners"].pop(directed.name)
    names = {}
    for group, share in sparsities.items():
        names[group] = f"{directed.name} of {group[0].removesuffix('.weight')}"
        mapping["pruners"][names[group]] = _pruner_of(original, group, share)
    mapping["policies"] = [
        made for policy in mapping["policies"] for made in _split(policy, directed.name, names)
    ]
    return load_schedule(mapping)


def _is_directed(part: Component) -> bool:
    by_filters = part.args.get("group_type", "Filters") in ("Filters", "3D")
    return bool(_FILTER_PRUNER.fullmatch(part.class_name)) and by_filters


def _pruner_of(original: Mapping[str, Any], group: tuple[str, ...], share: float) -> dict[str, Any]:
    # Only a share of exactly 1 empties a layer.
    share = min(share + _ROUNDING, 1 - _ROUNDING)
    made = {**original, "weights": list(group), "group_dependency": "Coupled"}
    made |= {key: share for key in _SPARSITIES if key in made}
    if "initial_sparsity" in made:
        # The ramp must rise.
        made["initial_sparsity"] = min(made["initial_sparsity"], share / 2)
    # The count is the share rounded down, in single filters, as the target was worked out.
    for key in ("group_size", "rounding_fn", *_DIVIDING):
        made.pop(key, None)
    return made


def _split(
    policy: Mapping[str, Any], name: str, names: Mapping[tuple[str, ...], str]
) -> list[dict[str, Any]]:
    subject = policy.get("pruner")
    if subject is None or subject["instance_name"] != name:
        return [dict(policy)]
    return [{**policy, "pruner": {**subject, "instance_name": new}} for new in names.values()]
