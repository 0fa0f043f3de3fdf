"""A tiny 3-D network, its clips, and a plain training loop that can stop anywhere and go on."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from vcc.compression import CompressionScheduler, file_config
from vcc.compression.engine.structure_state import describe_structure, restore_structure

CLIP = (2, 3, 5, 5)
STEPS = 3
MakeOptimizer = Callable[[Any], Optimizer]


class TinyNet(nn.Module):
    """conv1, bn1, relu1, conv2, bn2, relu2, fc: every kind of parameter, at 4 and 6 filters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(2, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm3d(4)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv3d(4, 6, 3, padding=1)
        self.bn2 = nn.BatchNorm3d(6)
        self.relu2 = nn.ReLU()
        self.fc = nn.Linear(6, 3)

    def forward(self, clips: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(clips)))
        x = self.relu2(self.bn2(self.conv2(x)))
        logits: Tensor = self.fc(x.mean(dim=(2, 3, 4)))
        return logits


def tiny_net(seed: int = 0) -> TinyNet:
    """Return the network with weights drawn by a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TinyNet()


def sgd(parameters: Any) -> Optimizer:
    """Return SGD with momentum and weight decay."""
    return SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01)


def batch_of(epoch: int, step: int, rank: int = 0) -> tuple[Tensor, Tensor]:
    """Return the clips [4,2,3,5,5] and labels [4] of a step, the same whenever asked."""
    generator = torch.Generator().manual_seed(1000 * rank + 10 * epoch + step)
    clips = torch.randn(4, *CLIP, generator=generator)
    return clips, torch.randint(3, (4,), generator=generator)


@dataclass
class Training:
    """A network in training by a schedule.

    Args:
        schedule: as a mapping.
        make_optimizer: from parameters.
        model: None makes a `TinyNet`.
        rank: whose clips it sees.
        options: for `file_config`.
    """

    schedule: Mapping[str, Any]
    make_optimizer: MakeOptimizer = sgd
    model: nn.Module = field(default_factory=tiny_net)
    rank: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    wrap: Callable[[nn.Module], nn.Module] = lambda model: model

    def __post_init__(self) -> None:
        self.optimizer = self.make_optimizer(self.model.parameters())
        self.scheduler: CompressionScheduler = file_config(
            self.model, self.optimizer, self.schedule, **self.options
        )
        self.network = self.wrap(self.model)
        self.after_step: Callable[[int, int], None] = lambda epoch, step: None
        self.losses: list[float] = []

    def run(
        self, n_epochs: int, *, begin: tuple[int, int] = (0, 0), stop: tuple[int, int] | None = None
    ) -> None:
        """Train epochs up to n_epochs.

        Args:
            n_epochs: epochs in all.
            begin: epoch and step that come first; step 0 begins the epoch, STEPS only ends it.
            stop: epoch and step before which to return.
        """
        for epoch in range(begin[0], n_epochs):
            first = begin[1] if epoch == begin[0] else 0
            if first == 0:
                if stop == (epoch, 0):
                    return
                self.scheduler.on_epoch_begin(epoch)
            for step in range(first, STEPS):
                if step and stop == (epoch, step):
                    return
                self.step(epoch, step)
            if stop == (epoch, STEPS):
                return
            metrics = {"min": 1.0 + (epoch > 1), "max": 0.5}
            self.scheduler.on_epoch_end(epoch, metrics)

    def step(self, epoch: int, step: int) -> None:
        """Train one minibatch."""
        here = (epoch, step, STEPS)
        clips, labels = batch_of(epoch, step, self.rank)
        self.model.train()
        self.scheduler.on_minibatch_begin(*here)
        logits = self.network(clips)
        self.scheduler.observe(clips, logits)
        loss, _ = self.scheduler.before_backward_pass(
            *here, nn.functional.cross_entropy(logits, labels)
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.scheduler.before_parameter_optimization(*here, self.optimizer)
        self.optimizer.step()
        self.scheduler.on_minibatch_end(*here, self.optimizer)
        self.losses.append(float(loss.detach()))
        self.after_step(epoch, step)

    def saved(self) -> bytes:
        """Return the whole state as a file's bytes."""
        state = {
            "structure": describe_structure(self.model),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }
        file = io.BytesIO()
        torch.save(state, file)
        return file.getvalue()

    def restore(self, saved: bytes, *, optimizer_first: bool = False) -> None:
        """Take a saved state, read without unpickling anything but plain containers."""
        state = torch.load(io.BytesIO(saved), weights_only=True)
        if state["structure"] != describe_structure(self.model):
            restore_structure(self.scheduler, state["structure"])
            self.optimizer = self.make_optimizer(self.model.parameters())
            self.scheduler.attach(self.optimizer)
        self.model.load_state_dict(state["model"])
        if optimizer_first:
            self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        if not optimizer_first:
            self.optimizer.load_state_dict(state["optimizer"])


def pruned_by(pruner: Mapping[str, Any], *, end: int = 4, **policy: Any) -> dict[str, Any]:
    """Return a schedule of one pruner; its policy may be given `args`, or other epochs."""
    args = policy.pop("args", {})
    when = policy or {"starting_epoch": 0, "ending_epoch": end, "frequency": 1}
    return {
        "pruners": {"pruner": dict(pruner)},
        "policies": [{"pruner": {"instance_name": "pruner", "args": args}, **when}],
    }
