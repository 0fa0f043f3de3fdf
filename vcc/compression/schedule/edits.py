"""Edits of a schedule: clips, distiller, guard, overflow, sparsities.

A schedule is a value, so an edit returns another one, of typed and checked values. What was read
from a file keeps its place there, so that a later error still names the line.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn

from vcc.compression.schedule.arguments import Arguments, FilterShare
from vcc.compression.schedule.dialect import POLICIES, classes
from vcc.compression.schedule.epochs import ActiveEpochs, epoch_range
from vcc.compression.schedule.frozen import freeze
from vcc.compression.schedule.phases import last_epoch
from vcc.compression.schedule.schedule import Component, PolicySpec, Schedule
from vcc.compression.schedule.selectors import NameResolver
from vcc.config.overflow import AUTO
from vcc.errors import ScheduleError

log = logging.getLogger(__name__)

# nats of dev loss that int8 may cost where neither the schedule nor the options say
DEFAULT_BUDGET = 0.05
# Less than any difference that counts filters, more than a product's rounding error.
_ROUNDING = 1e-7


def define(section: str, name: str, class_name: str, **arguments: Any) -> Component:
    """Return a definition.

    Raises:
        ScheduleError: an argument is out of range.
    """
    cls = classes()[class_name].arguments
    return Component(section, name, class_name, cls(**arguments), tuple(arguments))


def act(subject: str, instance: str, epochs: ActiveEpochs) -> PolicySpec:
    """Return an entry of `policies` without `args`."""
    return PolicySpec(subject, instance, POLICIES.get(subject)(), epochs)


def with_clips(schedule: Schedule, clips: Mapping[str, int | str]) -> Schedule:
    """Return the schedule with these figures of its clips in place of its own, the others kept."""
    if not clips:
        return schedule
    return dataclasses.replace(schedule, clips=freeze({**schedule.clips, **clips}))


def with_distiller(
    schedule: Schedule, weights: Mapping[str, float], *, n_epochs: int | None
) -> Schedule:
    """Return the schedule with the weights of the options, and with a distiller if it had none.

    Args:
        schedule: what the file says.
        weights: arguments of a distiller that win over the file's.
        n_epochs: epochs that are trained; None means as many as the schedule needs.

    Raises:
        ScheduleError: no epoch is trained, so there is nothing to distil in.
    """
    trained = last_epoch(schedule) if n_epochs is None else n_epochs
    if trained == 0:
        msg = f"{schedule.source}: trains no epoch: distillation (kd) has nothing to act on"
        raise ScheduleError(msg)
    if not schedule.in_section("distillers"):
        made = define("distillers", "distiller", "KnowledgeDistillation")
        # Last, as Distiller added it: a regularizer's term is scaled by the student's weight.
        policy = act("distiller", made.name, epoch_range(0, trained))
        schedule = dataclasses.replace(
            schedule,
            components=(*schedule.components, made),
            policies=(*schedule.policies, policy),
        )
    told = _in_section(schedule, "distillers", lambda _: weights)
    return dataclasses.replace(told, source=f"{schedule.source} with kd options")


def with_overflow(schedule: Schedule, overflow: str | None) -> Schedule:
    """Return the schedule with an `overflow` for each quantizer, so that it is written down.

    A bare `file_config` leaves a quantizer of Distiller's dialect at 8 bits; what `compress` makes
    is right on every processor unless the user says otherwise.

    Args:
        schedule: what the file says.
        overflow: safe, fast or auto, which wins over the schedule's; None leaves that, or else
            gives auto.
    """
    return _in_section(
        schedule,
        "quantizers",
        lambda told: {"overflow": overflow or getattr(told, "overflow", None) or AUTO},
    )


def with_guard(schedule: Schedule, budget: Arguments | None, *, has_dev: bool) -> Schedule:
    """Return the schedule with a guard for each quantizer that can have one.

    Args:
        schedule: what the file says.
        budget: what quantization may cost on dev, which wins over the schedule's `guard`; None
            leaves that, or else gives `DEFAULT_BUDGET`.
        has_dev: whether there are dev videos; without, nothing can be guarded that is not asked
            for.
    """
    quantizers = schedule.in_section("quantizers")
    if not any("guard" in part.arguments.fields() for part in quantizers):
        return schedule
    if budget is None and not has_dev:
        log.warning("there are no dev videos: the quantized network is not guarded")
        return schedule
    default = {"loss": DEFAULT_BUDGET}
    return _in_section(
        schedule,
        "quantizers",
        lambda told: {"guard": budget or getattr(told, "guard", None) or default},
    )


def only_quantizers(schedule: Schedule) -> Schedule:
    """Return a schedule of the same quantizers alone: they act at epoch 0, without guards."""
    quantizing = tuple(
        dataclasses.replace(policy, epochs=epoch_range(0, 1))
        for policy in schedule.policies
        if policy.arguments.section == "quantizers"
    )
    alone = dataclasses.replace(
        schedule, components=schedule.in_section("quantizers"), policies=quantizing
    )
    return _in_section(alone, "quantizers", lambda _: {"guard": None})


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


def directed_weights(schedule: Schedule, model: nn.Module) -> tuple[str, ...]:
    """Return the names of the weights of the pruner that a target directs.

    Raises:
        ScheduleError: the schedule has no such pruner, see `filter_pruner`.
    """
    names, _ = NameResolver(model).names(_share_of(filter_pruner(schedule)).listed())
    return names


def with_sparsities(schedule: Schedule, sparsities: Mapping[tuple[str, ...], float]) -> Schedule:
    """Return the schedule with its filter pruner split by groups of weights.

    A target (`vcc.compression.thinning.targets`) says how many filters each group of coupled
    convolutions may keep; the schedule says when and how they are pruned. The pruner is split into
    one for each group, and each policy that runs it into one for each of those.

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


def _in_section(
    schedule: Schedule, section: str, changes: Callable[[Arguments], Mapping[str, Any]]
) -> Schedule:
    """Return the schedule with changed arguments of a section's definitions.

    Arguments that a class has not are left out; without such definitions it is returned as it is.
    """
    if not schedule.in_section(section):
        return schedule

    def changed(part: Component) -> Component:
        if part.section != section:
            return part
        known = part.arguments.fields()
        told = {key: item for key, item in changes(part.arguments).items() if key in known}
        return dataclasses.replace(part, arguments=dataclasses.replace(part.arguments, **told))

    return dataclasses.replace(
        schedule, components=tuple(changed(part) for part in schedule.components)
    )


def _directable(part: Component) -> FilterShare | None:
    """Return the arguments of a pruner of filters whose share can be set, or None."""
    told = part.arguments
    if isinstance(told, FilterShare) and told.can_be_directed and told.ranks_filters():
        return told
    return None


def _share_of(part: Component) -> FilterShare:
    told = _directable(part)
    if told is None:
        msg = f"{part.class_name} cannot be told a share of filters"
        raise ScheduleError(msg)
    return told


def _part_of(directed: Component, group: tuple[str, ...], share: float) -> Component:
    # Only a share of exactly 1 empties a layer.
    share = min(share + _ROUNDING, 1 - _ROUNDING)
    return dataclasses.replace(
        directed,
        name=f"{directed.name} of {group[0].removesuffix('.weight')}",
        arguments=_share_of(directed).directed(group, share),
        given=(),
    )


def _split(
    policy: PolicySpec, directed: Component, parts: Iterable[Component]
) -> tuple[PolicySpec, ...]:
    if (policy.arguments.section, policy.instance) != (directed.section, directed.name):
        return (policy,)
    return tuple(dataclasses.replace(policy, instance=part.name) for part in parts)
