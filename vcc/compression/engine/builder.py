"""A schedule and a network to a scheduler: names resolved, components built, all errors at once."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.binding import BuildContext, Site
from vcc.compression.channels.joint import joint_masks
from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.distillation.losses import TeacherProvider, given_teacher
from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.masks.store import MaskStore
from vcc.compression.schedule.loader import load_schedule, raise_problems
from vcc.compression.schedule.schedule import Schedule
from vcc.compression.sensitivity.measured import Measure

log = logging.getLogger(__name__)


def file_config(  # noqa: PLR0913 - one keyword per thing that a schedule may need
    model: nn.Module,
    optimizer: Optimizer | None,
    schedule: str | Path | Mapping[str, Any] | Schedule,
    *,
    mask_coupled: bool = False,
    example_input: Tensor | None = None,
    round_to: int = 1,
    calibration: Callable[[], Iterable[Tensor]] | None = None,
    teacher: TeacherProvider | nn.Module | None = None,
    measure: Measure | None = None,
    channels: TracedChannels | None = None,
) -> CompressionScheduler:
    """Bind a schedule to a network and its optimizer.

    Args:
        model: any network.
        optimizer: whose learning rates the schedule sets; None where `attach` brings it later.
        schedule: a YAML file, what such a file holds, or a loaded schedule.
        mask_coupled: where a whole filter is masked, mask its bias and its BatchNorm's scale and
            shift too, so that thinning changes nothing. Needs `example_input`.
        example_input: [N,C,...] batch that the network accepts, on its device; needed by thinning,
            `group_dependency: Coupled`, `fold_batchnorm` and `mask_coupled`. Without one, a
            `model.input_shape` (shape of a batch) is used where there is one.
        round_to: thinning keeps a multiple of this many channels, for kernels that want it.
        calibration: returns batches of training clips [N,C,...], the same each time, for
            post-training quantization.
        teacher: for distillers: a network that maps the student's inputs to logits, or what finds
            one from the `teacher` that a distiller names (text, a mapping or None).
        measure: for a post-training quantizer's `guard`: measures the network on dev videos, the
            same ones at every call.
        channels: the network's, where the caller has asked about them before (`meet_target`); None
            traces them when they are first wanted. The scheduler owns them from now on.

    Raises:
        ScheduleError: the schedule is wrong or does not fit the network; lists every problem.
    """
    loaded = load_schedule(schedule)
    context = BuildContext(
        model,
        loaded,
        example_input,
        round_to=round_to,
        calibration=calibration,
        teacher=given_teacher(teacher) if isinstance(teacher, nn.Module) else teacher,
        measure=measure,
        channels=channels,
    )
    coupled = context.coupled_parameters() if mask_coupled else {}
    scheduler = CompressionScheduler(
        model,
        None,
        store=MaskStore(
            model,
            coupled=coupled,
            joint=functools.partial(_joint_masks, context.channels) if coupled else None,
        ),
        schedule=loaded,
        channels=context.channels,
    )
    made = {
        (part.section, part.name): part.arguments.build(Site(context, part))
        for part in loaded.components
    }
    policies = [
        spec.arguments.policy(
            spec, made[spec.arguments.section, spec.instance], context.standing_at(spec)
        )
        for spec in loaded.policies
    ]
    raise_problems(loaded.source, context.problems)
    for policy in policies:
        if policy is not None:
            scheduler.add_policy(policy)
    if optimizer is not None:
        scheduler.attach(optimizer)
    return scheduler


def _joint_masks(
    channels: TracedChannels, masked_filters: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    try:
        return joint_masks(channels.groups(), masked_filters)
    except UntraceableError:
        return {}  # after quantizers came, say: then nothing is thinned either
