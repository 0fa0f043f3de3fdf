"""A schedule whose filter pruner is told, group by group, how sparse to become.

A target (`thinning_targets`) says how many filters each group of coupled convolutions may keep; the
schedule says when and how they are pruned. The pruner is split into one for each group, and each
policy that runs it into one for each of those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from torch import nn

from vcc.compression.schedule.arguments import FilterShare
from vcc.compression.schedule.schedule import Component, PolicySpec, Schedule
from vcc.compression.schedule.selectors import NameResolver
from vcc.errors import ScheduleError

# Less than any difference that counts filters, more than a product's rounding error.
_ROUNDING = 1e-7


def filter_pruner(schedule: Schedule) -> Component:
    """Return the one pruner of filters that a target can direct.

    Raises:
        ScheduleError: the schedule has none, or several, or nothing that removes the filters.
    """
    found = [part for part in schedule.in_section("pruners") if _directable(part)]
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
    parts = tuple(_part_of(directed, group, share) for group, share in sparsities.items())
    return dataclasses.replace(
        schedule,
        components=tuple(
            made
            for part in schedule.components
            for made in (parts if part is directed else (part,))
        ),
        policies=tuple(
            made for policy in schedule.policies for made in _split(policy, directed, parts)
        ),
    )


def _directable(part: Component) -> FilterShare | None:
    """Return the arguments of a pruner of filters whose share can be set, or None."""
    told = part.arguments
    if isinstance(told, FilterShare) and told.can_be_directed and told.ranks_filters():
        return told
    return None


def _part_of(directed: Component, group: tuple[str, ...], share: float) -> Component:
    told = _directable(directed)
    if told is None:
        msg = f"{directed.class_name} cannot be told a share of filters"
        raise ScheduleError(msg)
    # Only a share of exactly 1 empties a layer.
    share = min(share + _ROUNDING, 1 - _ROUNDING)
    return dataclasses.replace(
        directed,
        name=f"{directed.name} of {group[0].removesuffix('.weight')}",
        arguments=told.directed(group, share),
        given=(),
    )


def _split(
    policy: PolicySpec, directed: Component, parts: Iterable[Component]
) -> tuple[PolicySpec, ...]:
    if (policy.arguments.section, policy.instance) != (directed.section, directed.name):
        return (policy,)
    return tuple(dataclasses.replace(policy, instance=part.name) for part in parts)
