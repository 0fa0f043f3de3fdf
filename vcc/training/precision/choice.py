"""`precision`: which arithmetic a training uses, measured on one of its own batches.

`auto` takes the fastest of all formats and layouts whose layers are right; a format that was asked
for is checked all the same, since a wrong kernel gives no sign of itself.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError, TrainingError
from vcc.training.precision.budget import TimeBudget, TooSlowError
from vcc.training.precision.check import LayerCheck, check_layers, slower_layers, wrong_layers
from vcc.training.precision.processor import computes_natively
from vcc.training.precision.settings import PrecisionPlan, PrecisionVariant
from vcc.training.precision.timing import PrecisionCandidate, Stepper, fastest, time_steps

_logger = logging.getLogger(__name__)

# On a CPU a step takes seconds; the ratio of two formats depends little on the number of clips.
_CPU_CLIPS = 8
_EMULATED = "this processor computes it by emulation only, which is slower than fp32"


@dataclass(frozen=True)
class Choice:
    """What a training computes in, and what that was chosen from.

    Attributes:
        plan: what is used.
        candidates: all that were tried; empty where nothing was to be measured.
        clips_checked: size of the batch on which layers were compared.
        clips_timed: clips in a timed step; 0 where nothing was timed.
        notes: what was not tried or finished, and why; one line each.
    """

    plan: PrecisionPlan
    candidates: tuple[PrecisionCandidate, ...] = ()
    clips_checked: int = 0
    clips_timed: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def plain(cls) -> Choice:
        """Return contiguous float32, chosen from nothing."""
        return cls(PrecisionPlan())

    @classmethod
    def from_text(cls, text: str, *, where: Path) -> Choice:
        """Read back what `as_dict` wrote as JSON: the plan alone, without what it beat.

        Raises:
            TrainingError: it is something else.
        """
        try:
            chosen = json.loads(text)["chosen"]
            variant = PrecisionVariant(str(chosen["number"]), bool(chosen["channels_last"]))
            variant.trainer_precision  # noqa: B018 - refuses a number format that is none
            return cls(PrecisionPlan(variant, tuple(str(name) for name in chosen["in_fp32"])))
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{where}: is not a choice of precision ({error!r}): remove it to choose again"
            raise TrainingError(msg) from None

    def lines(self) -> list[str]:
        """Return the choice for people: one line for it, one per candidate and excluded layer."""
        lines = [f"precision: {self.plan}"]
        for candidate in self.candidates:
            figure = "not timed" if candidate.step_ms is None else f"{candidate.step_ms:.1f} ms"
            timed = f" a step of {self.clips_timed} clips" if candidate.step_ms else ""
            note = f", refused: {candidate.refused}" if candidate.refused else ""
            lines.append(f"  {candidate.plan}: {figure}{timed}{note}")
            lines += [
                f"    {name} is wrong: {each.quantity}, relative error {each.error:.2g}"
                for name, each in candidate.wrong.items()
            ]
        return lines + [f"  {note}" for note in self.notes]

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types: what the run's `precision.json` holds."""
        return {
            "chosen": _plan_dict(self.plan),
            "clips_checked": self.clips_checked,
            "clips_timed": self.clips_timed,
            "notes": list(self.notes),
            "candidates": [
                {
                    **_plan_dict(candidate.plan),
                    "step_ms": candidate.step_ms,
                    "rounds_ms": list(candidate.rounds_ms),
                    "refused": candidate.refused,
                    "wrong": {
                        name: {"quantity": each.quantity, "error": str(each.error)}
                        for name, each in candidate.wrong.items()
                    },
                }
                for candidate in self.candidates
            ],
        }


def choose_plan(
    classifier: nn.Module,
    clips: Tensor,
    labels: Tensor,
    *,
    loss: nn.Module,
    options: TrainingOptions,
    epoch_steps: float = math.inf,
    budget: TimeBudget | None = None,
) -> Choice:
    """Return what the `precision` option comes to for a network on the device that it is on.

    Args:
        classifier: pixels [N,3,T,H,W] to logits [N,C], in training mode; it is not changed.
        clips: the pixels of a real batch, on the classifier's device.
        labels: int64 [N].
        loss: of logits and labels.
        options: the precision asked for, and the optimizer that steps are timed with.
        epoch_steps: batches of an epoch; `auto` may cost two epochs' worth of them.
        budget: the time that `auto` may take; None for 60 s from now on.

    Raises:
        ConfigError: fp16 was asked for on a CPU.
    """
    on_gpu = clips.device.type == "cuda"
    asked = options.train_precision
    if asked == "fp32":
        return Choice.plain()
    if asked == "fp16" and not on_gpu:
        msg = "train_precision: fp16 trains on a GPU only: use bf16 or auto on a CPU"
        raise ConfigError(msg)
    if asked != "auto":
        if not (on_gpu or computes_natively(asked)):
            _logger.warning("train_precision=%s: %s", asked, _EMULATED)
        variant = PrecisionVariant(asked)
        checks = check_layers(classifier, clips, labels, loss, [variant])
        candidates = _candidates(variant, checks)
        return Choice(candidates[0].plan, tuple(candidates), clips_checked=len(labels))
    used = len(labels) if on_gpu else min(len(labels), _CPU_CLIPS)
    race = _Measurement(
        classifier, clips[:used], labels[:used], loss, options, budget or TimeBudget()
    )
    return race.choice(steps=epoch_steps * len(labels) / used)


class _Measurement:
    """Checks and times all variants on some clips, until the budget is spent."""

    def __init__(
        self,
        classifier: nn.Module,
        clips: Tensor,
        labels: Tensor,
        loss: nn.Module,
        options: TrainingOptions,
        budget: TimeBudget,
    ) -> None:
        self._classifier = classifier
        self._clips = clips
        self._labels = labels
        self._loss = loss
        self._options = options
        self._budget = budget
        self._variants, self._notes = _variants(on_gpu=clips.device.type == "cuda")

    def choice(self, steps: float) -> Choice:
        """Return the choice; an epoch has so many steps of as many clips."""
        tried = ", ".join(variant.name for variant in self._variants)
        _logger.info("precision: trying %s on %d clips", tried, len(self._labels))
        try:
            self._find_pace(steps)
            candidates = self._checked()
        except TooSlowError:
            most = f"{self._budget.seconds:.2g} s"
            note = f"the {most} for choosing ended before all layers were checked: plain fp32"
            return Choice(
                PrecisionPlan(), (PrecisionCandidate(PrecisionPlan()),), notes=(*self._notes, note)
            )
        timed = time_steps(
            self._classifier,
            self._clips,
            self._labels,
            candidates,
            loss=self._loss,
            options=self._options,
            budget=self._budget,
        )
        used = len(self._labels)
        return Choice(
            fastest(timed).plan,
            tuple(timed),
            clips_checked=used,
            clips_timed=used,
            notes=self._notes,
        )

    def _find_pace(self, steps: float) -> None:
        """Learn from a plain step how long the choice may take and what is far behind."""
        _logger.info("precision: a plain fp32 step first, which tells how long the rest may take")
        devices = [self._clips.device] if self._clips.device.type == "cuda" else []
        stepper = Stepper(
            self._classifier, PrecisionPlan(), self._loss, self._options, budget=self._budget
        )
        with torch.random.fork_rng(devices=devices), torch.enable_grad():
            seconds = stepper.first_step(self._clips, self._labels)
        self._budget.pace(seconds, steps=steps)
        _logger.info(
            "precision: fp32 takes %.2g s a step; checking and timing take at most %.2g s",
            seconds,
            self._budget.seconds,
        )

    def _checked(self) -> list[PrecisionCandidate]:
        """Return what may be timed, and what was given up while its layers were checked."""
        checks = check_layers(
            self._classifier,
            self._clips,
            self._labels,
            self._loss,
            self._variants,
            budget=self._budget,
        )
        candidates: list[PrecisionCandidate] = []
        for variant in self._variants:
            if variant in checks:
                candidates += _candidates(variant, checks)
            else:
                candidates.append(
                    PrecisionCandidate(
                        PrecisionPlan(variant), refused="far behind in its first step"
                    )
                )
        return candidates


def _variants(*, on_gpu: bool) -> tuple[list[PrecisionVariant], tuple[str, ...]]:
    """Return what `auto` tries, plain float32 first, and notes on what it does not try."""
    wanted = ("fp32", "bf16", "fp16") if on_gpu else ("fp32", "bf16")
    numbers = [number for number in wanted if on_gpu or computes_natively(number)]
    notes = tuple(f"{each} is not tried: {_EMULATED}" for each in wanted if each not in numbers)
    return [PrecisionVariant(number, last) for number in numbers for last in (False, True)], notes


def _candidates(
    variant: PrecisionVariant, checks: Mapping[PrecisionVariant, Mapping[str, LayerCheck]]
) -> list[PrecisionCandidate]:
    """Return a variant with its wrong layers in float32, and another with its slow ones too."""
    wrong = wrong_layers(checks[variant], variant)
    # What is wrong in this layout in float32 too cannot be helped by float32.
    plain = PrecisionVariant(channels_last=variant.channels_last)
    beyond_help = wrong_layers(checks.get(plain, {}), plain)
    refused = f"{', '.join(beyond_help)} wrong in fp32 too" if beyond_help else ""
    if wrong and plain not in checks:
        refused = f"{', '.join(wrong)} wrong, and {plain.name} was given up"
    slower = () if variant == plain else slower_layers(checks[variant], checks.get(plain, {}))
    both = tuple(name for name in checks[variant] if name in wrong or name in slower)
    kept = [tuple(wrong)] + ([both] if len(both) > len(wrong) else [])
    return [
        PrecisionCandidate(PrecisionPlan(variant, layers), wrong, refused=refused)
        for layers in kept
    ]


def _plan_dict(plan: PrecisionPlan) -> dict[str, Any]:
    return {
        "number": plan.variant.number,
        "channels_last": plan.variant.channels_last,
        "in_fp32": list(plan.in_fp32),
    }
