"""`precision`: which arithmetic a training uses, measured on one of its own batches.

`auto` takes the fastest of all formats and layouts whose layers are right; a format that was asked
for is checked all the same, since a wrong kernel gives no sign of itself.
"""

from __future__ import annotations

import copy
import json
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vcc.config.training import TrainingOptions
from vcc.errors import ConfigError, TrainingError
from vcc.training.optimizers import make_optimizer
from vcc.training.precision import Plan, Variant, lay_out
from vcc.training.precision_check import (
    LayerCheck,
    check_layers,
    now,
    slower_layers,
    wrong_layers,
)

_logger = logging.getLogger(__name__)

_ROUNDS = 3
# On a CPU a step takes seconds; the ratio of two formats depends little on the number of clips.
_CPU_CLIPS = 8
# A format that the machine emulates can be fifty times slower: no need to time that three times.
_HOPELESS = 4.0
# Less than that is not worth a training that differs from plain float32.
_LEAST_GAIN = 0.05


@dataclass(frozen=True)
class Candidate:
    """A format and layout that was tried.

    Attributes:
        plan: with the layers that it must leave in float32.
        wrong: those of them that were wrong, and how far; the others are quicker in float32.
        step_ms: median time of a training step; None where it was not timed.
        refused: why it cannot be taken; empty where it can.
    """

    plan: Plan
    wrong: Mapping[str, LayerCheck] = field(default_factory=dict)
    step_ms: float | None = None
    refused: str = ""


@dataclass(frozen=True)
class Choice:
    """What a training computes in, and what that was chosen from.

    Attributes:
        plan: what is used.
        candidates: all that were tried; empty where nothing was to be measured.
        clips_checked: size of the batch on which layers were compared.
        clips_timed: clips in a timed step; 0 where nothing was timed.
    """

    plan: Plan
    candidates: tuple[Candidate, ...] = ()
    clips_checked: int = 0
    clips_timed: int = 0

    @classmethod
    def plain(cls) -> Choice:
        """Return contiguous float32, chosen from nothing."""
        return cls(Plan())

    @classmethod
    def from_text(cls, text: str, *, where: Path) -> Choice:
        """Read back what `as_dict` wrote as JSON: the plan alone, without what it beat.

        Raises:
            TrainingError: it is something else.
        """
        try:
            chosen = json.loads(text)["chosen"]
            variant = Variant(str(chosen["number"]), bool(chosen["channels_last"]))
            variant.trainer_precision  # noqa: B018 - refuses a number format that is none
            return cls(Plan(variant, tuple(str(name) for name in chosen["in_fp32"])))
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
        return lines

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types: what the run's `precision.json` holds."""
        return {
            "chosen": _plan_dict(self.plan),
            "clips_checked": self.clips_checked,
            "clips_timed": self.clips_timed,
            "candidates": [
                {
                    **_plan_dict(candidate.plan),
                    "step_ms": candidate.step_ms,
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
) -> Choice:
    """Return what the `precision` option comes to for a network on the device that it is on.

    Args:
        classifier: pixels [N,3,T,H,W] to logits [N,C], in training mode; it is not changed.
        clips: the pixels of a real batch, on the classifier's device.
        labels: int64 [N].
        loss: of logits and labels.
        options: the precision asked for, and the optimizer that steps are timed with.

    Raises:
        ConfigError: fp16 was asked for on a CPU.
    """
    on_gpu = clips.device.type == "cuda"
    if options.train_precision == "fp32":
        return Choice.plain()
    if options.train_precision == "fp16" and not on_gpu:
        msg = "train_precision: fp16 trains on a GPU only: use bf16 or auto on a CPU"
        raise ConfigError(msg)
    variants = _variants(options.train_precision, on_gpu=on_gpu)
    checks = check_layers(classifier, clips, labels, loss, variants)
    candidates = [each for variant in variants for each in _candidates(variant, checks)]
    if options.train_precision != "auto":
        return Choice(candidates[0].plan, tuple(candidates), clips_checked=len(labels))
    timed = len(labels) if on_gpu else min(len(labels), _CPU_CLIPS)
    candidates = time_steps(
        classifier, clips[:timed], labels[:timed], candidates, loss=loss, options=options
    )
    return Choice(
        fastest(candidates).plan,
        tuple(candidates),
        clips_checked=len(labels),
        clips_timed=timed,
    )


def fastest(candidates: Sequence[Candidate]) -> Candidate:
    """Return the fastest candidate that may be taken; the first unless one gains 5 % on it."""
    first = candidates[0]
    usable = [each for each in candidates if not each.refused and each.step_ms is not None]
    best = min(usable, key=lambda each: each.step_ms or 0.0, default=first)
    if first.step_ms and best.step_ms and best.step_ms > (1 - _LEAST_GAIN) * first.step_ms:
        return first
    return best


def time_steps(
    classifier: nn.Module,
    clips: Tensor,
    labels: Tensor,
    candidates: Sequence[Candidate],
    *,
    loss: nn.Module,
    options: TrainingOptions,
    rounds: int = _ROUNDS,
) -> list[Candidate]:
    """Time training steps of each candidate in turns, on copies of the network.

    Args:
        classifier: pixels [N,3,T,H,W] to logits [N,C]; it is not changed.
        clips: pixels, on the classifier's device.
        labels: int64 [N].
        candidates: what is timed; those refused already are passed over.
        loss: of logits and labels.
        options: the optimizer.
        rounds: steps of each, after a first that does not count.
    """
    steppers = {
        index: Stepper(classifier, candidate.plan, loss, options)
        for index, candidate in enumerate(candidates)
        if not candidate.refused
    }
    times: dict[int, list[float]] = {index: [] for index in steppers}
    refused: dict[int, str] = {}
    devices = [clips.device] if clips.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        first = {index: stepper.step(clips, labels) for index, stepper in steppers.items()}
        for index, seconds in first.items():
            if seconds > _HOPELESS * min(first.values()):
                refused[index] = f"{seconds / min(first.values()):.0f} times slower"
        for _ in range(rounds):
            for index in steppers.keys() - refused.keys():
                times[index].append(steppers[index].step(clips, labels))
    for index, stepper in steppers.items():
        if not stepper.finite():
            refused[index] = "its gradients are not finite"
    return [
        Candidate(
            candidate.plan,
            candidate.wrong,
            step_ms=1000 * statistics.median(times[index]) if times.get(index) else None,
            refused=refused.get(index, candidate.refused),
        )
        for index, candidate in enumerate(candidates)
    ]


class Stepper:
    """Takes training steps of a copy of a network under a plan."""

    def __init__(
        self, classifier: nn.Module, plan: Plan, loss: nn.Module, options: TrainingOptions
    ) -> None:
        self._network = copy.deepcopy(classifier)
        self._plan = plan
        self._loss = loss
        lay_out(self._network, plan.variant.memory_format)
        self._optimizer = make_optimizer(self._network.parameters(), options)

    def step(self, clips: Tensor, labels: Tensor) -> float:
        """Take one step and return its seconds."""
        with self._plan.applied(self._network, restore_layout=False):
            started = now(clips.device)
            self._optimizer.zero_grad()
            with self._plan.variant.autocast(clips.device):
                logits = self._network(clips)
            self._loss(logits.float(), labels).backward()
            self._optimizer.step()
            return now(clips.device) - started

    def finite(self) -> bool:
        """Say whether every gradient of the last step is."""
        gradients = [each.grad for each in self._network.parameters() if each.grad is not None]
        return all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


def _variants(precision: str, *, on_gpu: bool) -> list[Variant]:
    if precision != "auto":
        return [Variant(precision)]
    numbers = ("fp32", "bf16", "fp16") if on_gpu else ("fp32", "bf16")
    return [Variant(number, layout) for number in numbers for layout in (False, True)]


def _candidates(
    variant: Variant, checks: Mapping[Variant, Mapping[str, LayerCheck]]
) -> list[Candidate]:
    """Return a variant with its wrong layers in float32, and another with its slow ones too."""
    wrong = wrong_layers(checks[variant], variant)
    # What is wrong in this layout in float32 too cannot be helped by float32.
    plain = Variant(channels_last=variant.channels_last)
    beyond_help = wrong_layers(checks.get(plain, {}), plain)
    refused = f"{', '.join(beyond_help)} wrong in fp32 too" if beyond_help else ""
    slower = () if variant == plain else slower_layers(checks[variant], checks.get(plain, {}))
    both = tuple(name for name in checks[variant] if name in wrong or name in slower)
    kept = [tuple(wrong)] + ([both] if len(both) > len(wrong) else [])
    return [Candidate(Plan(variant, layers), wrong, refused=refused) for layers in kept]


def _plan_dict(plan: Plan) -> dict[str, Any]:
    return {
        "number": plan.variant.number,
        "channels_last": plan.variant.channels_last,
        "in_fp32": list(plan.in_fp32),
    }
