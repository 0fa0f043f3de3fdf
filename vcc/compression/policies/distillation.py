"""The distillation policy: the student also learns what the teacher says of the same clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.distillation.losses import (
    DistillationSettings,
    FeatureTap,
    distillation_loss,
    feature_loss,
    frozen,
)
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.errors import ScheduleError


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

    def state_dict(self) -> dict[str, Any]:
        # The teacher does not change: it is found again by the schedule.
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Nothing to restore."""
