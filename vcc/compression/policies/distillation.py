"""The distillation policy: the student also learns what the teacher says of the same clips."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.binding import BuildContext, Site
from vcc.compression.distillation.losses import (
    DistillationSettings,
    FeatureTap,
    check_features,
    distillation_loss,
    feature_loss,
    frozen,
)
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.schedule.arguments import Arguments, argument
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.fields import anything, choice, number, optional, table, text
from vcc.compression.schedule.frozen import thaw
from vcc.compression.schedule.schedule import PolicySpec
from vcc.config.distillation import DistillationOptions
from vcc.errors import ScheduleError
from vcc.registry import Registry

# A schedule says of a teacher what the options of the command line do.
_TEACHER = tuple(
    field.name.removeprefix("t_")
    for field in dataclasses.fields(DistillationOptions)
    if field.name.startswith("t_")
)


def _teacher(value: Any) -> Any:
    if isinstance(value, str):
        return value
    options = table(anything)(value)
    for key in options:
        choice(*_TEACHER)(key)
    return options


@dataclass(frozen=True, kw_only=True)
class DistillerArguments(Arguments):
    """Arguments of a distiller of the schedule's section `distillers`."""

    temperature: float = argument(number(above=0), 4.0, "divides both networks' logits, above 0")
    distill_weight: float = argument(
        number(at_least=0), 0.7, "weight of the divergence, at least 0"
    )
    student_weight: float = argument(
        number(at_least=0), 0.3, "weight of the student's own loss, at least 0"
    )
    teacher_weight: float = argument(number(at_least=0, at_most=0), 0.0, "0 only, as in Distiller")
    teacher: Any = argument(
        optional(_teacher),
        None,
        "registered model, checkpoint, `.pth` file or options of an architecture; null: the "
        "caller's, which is the dense baseline in `compress`",
    )
    features: Mapping[str, str] | None = argument(
        optional(table(text)), None, "module of the student -> module of the teacher to imitate"
    )
    feature_weight: float = argument(
        number(at_least=0), 0.0, "weight of that imitation, at least 0"
    )


DISTILLERS: Registry[type[DistillerArguments]] = Registry(
    "distiller",
    group="vcc.distillers",
    rooms=("vcc.compression.policies",),
    error=ScheduleError,
)


@DISTILLERS.register("KnowledgeDistillation")
class KnowledgeDistillation(DistillerArguments):
    """Adds the divergence from a teacher's answers to the loss."""


@POLICIES.register("distiller")
@dataclass(frozen=True, kw_only=True)
class DistillationArguments(PolicyArguments):
    """Lets the student learn from a teacher."""

    section = "distillers"
    parts = DISTILLERS
    order = 5

    def policy(
        self, spec: PolicySpec, made: DistillerArguments, network: BuildContext
    ) -> Policy | None:
        site = Site(network, network.schedule.component(spec.subject, spec.instance))
        teacher = _found_teacher(made, site)
        if teacher is None:
            return None
        features = thaw(made.features)
        problems = check_features(network.model, teacher, features or {})
        for words in problems:
            site.problem("features", words)
        if problems:
            return None
        if features and not made.feature_weight:
            site.problem("features", "need a feature_weight above 0")
        return DistillationPolicy(
            spec.instance,
            spec.epochs,
            student=network.model,
            teacher=teacher,
            settings=DistillationSettings(
                temperature=made.temperature,
                distill_weight=made.distill_weight,
                student_weight=made.student_weight,
                feature_weight=made.feature_weight,
            ),
            features=features,
        )


def _found_teacher(made: DistillerArguments, site: Site) -> nn.Module | None:
    network = site.network
    if network.teacher is None:
        network.problem(site.path, "needs a teacher: give file_config one, as teacher=")
        return None
    teacher = network.teacher(thaw(made.teacher))
    if teacher is network.model:
        network.problem(site.path, "the teacher is the network itself: give a copy of it")
        return None
    return teacher


class DistillationPolicy(Policy):
    """Replaces the loss by student_weight * loss + distill_weight * T^2 * KL.

    The loss is what earlier policies made of it, so a regularizer listed before is scaled too. The
    component `Distill Loss` is logged without T^2, as Distiller logs it.

    The loop must say what the student saw and answered: it calls `CompressionScheduler.forward` in
    place of the network, or `CompressionScheduler.observe` before `before_backward_pass`.

    Args:
        name: instance name.
        active: epochs.
        student: the network that is trained.
        teacher: maps the student's inputs to logits; frozen here.
        settings: weights and temperature.
        features: student module -> module of `teacher` whose output it imitates.
    """

    def __init__(
        self,
        name: str,
        active: ActiveEpochs,
        *,
        student: nn.Module,
        teacher: nn.Module,
        settings: DistillationSettings,
        features: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, active)
        self.student, self.teacher = student, frozen(teacher)
        self.settings = settings
        self.features = dict(features or {})
        self._student_tap = FeatureTap(tuple(self.features))
        self._teacher_tap = FeatureTap(tuple(dict.fromkeys(self.features.values())))
        self._on = False
        self._seen: tuple[Tensor, Tensor] | None = None

    def observe(self, inputs: Tensor, logits: Tensor) -> None:
        """Take what the student was given and answered in the minibatch under way."""
        self._seen = (inputs, logits)

    def on_minibatch_begin(self, context: StepContext) -> None:
        self._seen = None
        if self.features and not self._on:
            self._student_tap.on(self.student)
            self._teacher_tap.on(self.teacher)
            self._on = True

    def before_backward_pass(
        self, context: StepContext, loss: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]] | None:
        if self._seen is None:
            msg = (
                f"the distiller {self.name} saw no forward pass in this minibatch: call "
                "scheduler.forward(inputs) in place of the network, or "
                "scheduler.observe(inputs, logits), before before_backward_pass"
            )
            raise ScheduleError(msg)
        inputs, logits = self._seen
        self._seen = None
        how = self.settings
        distilled = distillation_loss(logits, self._ask(inputs, logits.device), how.temperature)
        overall = how.student_weight * loss + how.distill_weight * how.temperature**2 * distilled
        parts = {"Distill Loss": distilled.detach()}
        if self.features:
            term = self._feature_term()
            overall = overall + how.feature_weight * term
            parts["Feature Loss"] = term.detach()
        return overall, parts

    def on_minibatch_end(self, context: StepContext) -> None:
        # The taps' outputs hold the graph of the step; a seam must find no hooks either.
        self._student_tap.off()
        self._teacher_tap.off()
        self._on = False

    def _ask(self, inputs: Tensor, device: torch.device) -> Tensor:
        # The teacher is no part of the student, so nobody else moves it to the student's device.
        self.teacher.to(device)
        with torch.no_grad():
            answers: Tensor = self.teacher(inputs)
        return answers

    def _feature_term(self) -> Tensor:
        terms = []
        for mine, theirs in self.features.items():
            student = self._student_tap.outputs.get(mine)
            teacher = self._teacher_tap.outputs.get(theirs)
            if student is None or teacher is None:
                msg = (
                    f"the distiller {self.name}: {mine} or {theirs} did not run in the forward pass"
                )
                raise ScheduleError(msg)
            terms.append(feature_loss(student, teacher))
        return torch.stack(terms).sum()
