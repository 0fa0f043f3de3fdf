"""Shortened training by a schedule: fewer epochs, a plain loop, tiny batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression import file_config, load_schedule
from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.schedule.schedule import Schedule

MINIBATCHES = 3
BASE_RATE = 0.05
# a stretch of epochs between two events is cut to this many
_STRETCH = 3


def shortened(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule's mapping with its epochs moved together and their order kept."""
    mapping = schedule.as_mapping()
    policies = mapping["policies"]
    marks = sorted({0, *(epoch for policy in policies for epoch in _events(policy))})
    short, at = {0: 0}, 0
    for before, mark in zip(marks, marks[1:], strict=False):
        at += min(mark - before, _STRETCH)
        short[mark] = at
    for policy in policies:
        _shorten(policy, short)
    for part in mapping.get("lr_schedulers", {}).values():
        if "step_size" in part:
            part["step_size"] = 2
        if "milestones" in part:
            part["milestones"] = [2 * i for i in range(1, len(part["milestones"]) + 1)]
    return mapping


def _events(policy: Mapping[str, Any]) -> list[int]:
    if "epochs" in policy:
        return list(policy["epochs"])
    return [policy["starting_epoch"], policy["ending_epoch"]]


def _shorten(policy: dict[str, Any], short: Mapping[int, int]) -> None:
    if "epochs" in policy:
        policy["epochs"] = [short[epoch] for epoch in policy["epochs"]]
        return
    policy["starting_epoch"] = short[policy["starting_epoch"]]
    policy["ending_epoch"] = short[policy["ending_epoch"]]
    policy["frequency"] = 1
    args = next((part.get("args", {}) for part in policy.values() if isinstance(part, dict)), {})
    if args.get("mini_batch_pruning_frequency"):
        args["mini_batch_pruning_frequency"] = 2


@dataclass
class Fit:
    """What a shortened training left behind."""

    model: nn.Module
    scheduler: CompressionScheduler
    schedule: Schedule
    optimizer: torch.optim.Optimizer
    losses: list[float] = field(default_factory=list)
    components: dict[str, list[float]] = field(default_factory=dict)
    shapes_before: dict[str, torch.Size] = field(default_factory=dict)

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """The parameters as they are now."""
        return dict(self.model.named_parameters())


def fit_by_schedule(
    model: nn.Module,
    mapping: Mapping[str, Any],
    *,
    image: tuple[int, ...],
    n_classes: int,
    batch: int = 4,
    **options: Any,
) -> Fit:
    """Train a network on noise for as many epochs as a schedule names.

    Args:
        model: the network.
        mapping: a schedule.
        image: shape of one sample.
        n_classes: how many logits the network has.
        batch: samples per minibatch.
        options: for `file_config`.
    """
    schedule = load_schedule(mapping)
    optimizer = torch.optim.SGD(model.parameters(), lr=BASE_RATE, momentum=0.9, weight_decay=1e-4)
    shapes = {name: value.shape for name, value in model.named_parameters()}
    example = torch.zeros(2, *image)
    scheduler = file_config(model, optimizer, schedule, example_input=example, **options)
    done = Fit(model, scheduler, schedule, optimizer, shapes_before=shapes)
    n_epochs = max((policy.epochs.last + 1 for policy in schedule.policies), default=0)
    generator = torch.Generator().manual_seed(0)
    for epoch in range(n_epochs):
        model.train()
        scheduler.on_epoch_begin(epoch)
        for step in range(MINIBATCHES):
            images = torch.randn(batch, *image, generator=generator)
            labels = torch.randint(n_classes, (batch,), generator=generator)
            _minibatch(done, images, labels, epoch, step)
        scheduler.on_epoch_end(epoch, {"min": done.losses[-1], "max": 0.5})
    return done


def _minibatch(done: Fit, images: Tensor, labels: Tensor, epoch: int, step: int) -> None:
    scheduler, optimizer = done.scheduler, done.optimizer
    scheduler.on_minibatch_begin(epoch, step, MINIBATCHES)
    loss = nn.functional.cross_entropy(done.model(images), labels)
    loss, components = scheduler.before_backward_pass(epoch, step, MINIBATCHES, loss)
    optimizer.zero_grad()
    loss.backward()
    scheduler.before_parameter_optimization(epoch, step, MINIBATCHES, optimizer)
    optimizer.step()
    scheduler.on_minibatch_end(epoch, step, MINIBATCHES, optimizer)
    done.losses.append(float(loss.detach()))
    for name, value in components.items():
        done.components.setdefault(name, []).append(float(value))
