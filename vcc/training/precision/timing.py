"""Training steps of several plans, timed in turns, and which of them is worth taking."""

from __future__ import annotations

import copy
import dataclasses
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vcc.config.training import TrainingOptions
from vcc.training.optimizers import make_optimizer
from vcc.training.precision.budget import TimeBudget, TooSlowError
from vcc.training.precision.check import LayerCheck
from vcc.training.precision.settings import PrecisionPlan, lay_out

_logger = logging.getLogger(__name__)

_ROUNDS = 3
# One round has no spread.
_LEAST_ROUNDS = 2
# Less than that is not worth a training that differs from plain float32.
_LEAST_GAIN = 0.05


@dataclass(frozen=True)
class PrecisionCandidate:
    """A format and layout that was tried.

    Attributes:
        plan: with the layers that it must leave in float32.
        wrong: those of them that were wrong, and how far; the others are quicker in float32.
        rounds_ms: times of its training steps, after a first that does not count.
        refused: why it cannot be taken; empty where it can.
    """

    plan: PrecisionPlan
    wrong: Mapping[str, LayerCheck] = field(default_factory=dict)
    rounds_ms: tuple[float, ...] = ()
    refused: str = ""

    @property
    def step_ms(self) -> float | None:
        """The median of its rounds; None where it was not timed."""
        return statistics.median(self.rounds_ms) if self.rounds_ms else None


def fastest(candidates: Sequence[PrecisionCandidate]) -> PrecisionCandidate:
    """Return the fastest candidate that is clearly faster than the first; else the first.

    Clearly: its median is 5 % lower, and its slowest round is faster than the first's fastest.
    """
    first = candidates[0]
    clear = [each for each in candidates[1:] if not each.refused and _clearly_faster(each, first)]
    return min(clear, key=lambda each: each.step_ms or 0.0, default=first)


def _clearly_faster(candidate: PrecisionCandidate, plain: PrecisionCandidate) -> bool:
    if min(len(candidate.rounds_ms), len(plain.rounds_ms)) < _LEAST_ROUNDS:
        return False
    apart = max(candidate.rounds_ms) < min(plain.rounds_ms)
    gain = 1 - (candidate.step_ms or 0.0) / (plain.step_ms or 1.0)
    return apart and gain >= _LEAST_GAIN


class Stepper:
    """Takes training steps of a copy of a network under a plan."""

    def __init__(
        self,
        classifier: nn.Module,
        plan: PrecisionPlan,
        loss: nn.Module,
        options: TrainingOptions,
        *,
        budget: TimeBudget | None = None,
    ) -> None:
        self._network = copy.deepcopy(classifier)
        self._plan = plan
        self._loss = loss
        self._budget = budget or TimeBudget()
        lay_out(self._network, plan.variant.memory_format)
        self._optimizer = make_optimizer(self._network.parameters(), options)

    def step(self, clips: Tensor, labels: Tensor) -> float:
        """Take one step and return its seconds."""
        with self._plan.applied(self._network, restore_layout=False):
            started = self._budget.now(clips.device)
            self._optimizer.zero_grad()
            with self._plan.variant.autocast(clips.device):
                logits = self._network(clips)
            self._loss(logits.float(), labels).backward()
            self._optimizer.step()
            return self._budget.now(clips.device) - started

    def first_step(self, clips: Tensor, labels: Tensor) -> float:
        """Take a step that is ended as soon as it is far behind; return its seconds.

        Raises:
            TooSlowError: it was.
        """
        if not self._budget.has(self._budget.plain_step):
            raise TooSlowError
        most = min(self._budget.far_behind, self._budget.left())
        with self._budget.watched(self._network, most):
            return self.step(clips, labels)

    def finite(self) -> bool:
        """Return whether every gradient of the last step is."""
        gradients = [each.grad for each in self._network.parameters() if each.grad is not None]
        return all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


def time_steps(
    classifier: nn.Module,
    clips: Tensor,
    labels: Tensor,
    candidates: Sequence[PrecisionCandidate],
    *,
    loss: nn.Module,
    options: TrainingOptions,
    budget: TimeBudget,
) -> list[PrecisionCandidate]:
    """Time training steps of each candidate in turns, on copies of the network.

    Args:
        classifier: pixels [N,3,T,H,W] to logits [N,C]; it is not changed.
        clips: pixels, on the classifier's device.
        labels: int64 [N].
        candidates: what is timed, the plain one first; those refused already are passed over.
        loss: of logits and labels.
        options: the optimizer.
        budget: when it is spent, the rounds end.
    """
    race = _Race(candidates, clips, labels, budget)
    devices = [clips.device] if clips.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        for index, candidate in enumerate(candidates):
            if not candidate.refused:
                race.enter(index, Stepper(classifier, candidate.plan, loss, options, budget=budget))
        for _ in range(_ROUNDS):
            race.round()
    return race.results()


class _Race:
    """Candidates that take steps in turns; who cannot win any more leaves."""

    def __init__(
        self,
        candidates: Sequence[PrecisionCandidate],
        clips: Tensor,
        labels: Tensor,
        budget: TimeBudget,
    ) -> None:
        self._candidates = candidates
        self._batch = clips, labels
        self._budget = budget
        self._running: dict[int, Stepper] = {}
        self._seconds: dict[int, list[float]] = {}
        self._longest = 0.0
        self._refused: dict[int, str] = {}

    def enter(self, index: int, stepper: Stepper) -> None:
        """Let a candidate take its first step, and give it up if that takes far too long."""
        plan = self._candidates[index].plan
        try:
            seconds = stepper.first_step(*self._batch)
        except TooSlowError:
            late = not self._budget.has(self._budget.plain_step)
            self._refused[index] = "no time was left" if late else "far behind in its first step"
            _logger.info("precision: %s: given up, %s", plan, self._refused[index])
            return
        self._longest = max(self._longest, seconds)
        _logger.info("precision: %s: first step %.2f s", plan, seconds)
        if stepper.finite():
            self._running[index], self._seconds[index] = stepper, []
        else:
            self._refused[index] = "its gradients are not finite"

    def round(self) -> None:
        """Let each take a step, the plain one first, while there is time and another to beat."""
        for index in list(self._running):
            if not (self._budget.has(self._longest) and self._contested()):
                return
            seconds = self._running[index].step(*self._batch)
            self._seconds[index].append(seconds)
            self._longest = max(self._longest, seconds)
            if not self._running[index].finite():
                self._leave(index, "its gradients are not finite")
            elif index and 0 in self._running and seconds >= min(self._seconds[0]):
                self._leave(index, "not faster than fp32 beyond the spread of the rounds")

    def results(self) -> list[PrecisionCandidate]:
        """Return the candidates with their rounds."""
        return [
            dataclasses.replace(
                candidate,
                rounds_ms=tuple(1000 * each for each in self._seconds.get(index, [])),
                refused=self._refused.get(index, candidate.refused),
            )
            for index, candidate in enumerate(self._candidates)
        ]

    def _contested(self) -> bool:
        return len(self._running) > 1 or not any(self._seconds.values())

    def _leave(self, index: int, reason: str) -> None:
        self._refused[index] = reason
        del self._running[index]
