"""The interface of a policy: six callbacks, in the order in which a training loop calls them.

on_epoch_begin
  on_minibatch_begin             weights may change before the forward pass
  before_backward_pass           the loss may change
  before_parameter_optimization  gradients are there, the optimizer has not stepped
  on_minibatch_end               the optimizer has stepped
on_epoch_end                     validation of the epoch is over
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.masks.store import MaskStore
from vcc.compression.schedule.epochs import ActiveEpochs


@dataclass(frozen=True)
class StepContext:
    """Where training stands when a callback runs.

    Args:
        model: the network.
        store: its masks.
        epoch: absolute epoch.
        minibatch: number within the epoch; 0 outside minibatches.
        n_minibatches: per epoch; 0 where unknown.
        optimizer: the optimizer in use, if any is known.
        metrics: {"min": loss, "max": accuracy} at an epoch's end.
        channels: the network's, if the scheduler was given any.
    """

    model: nn.Module
    store: MaskStore
    epoch: int
    minibatch: int = 0
    n_minibatches: int = 0
    optimizer: Optimizer | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    channels: TracedChannels | None = None

    @property
    def step(self) -> int:
        """Global minibatch number."""
        return self.epoch * self.n_minibatches + self.minibatch


class Policy:
    """Acts in its active epochs; each callback does nothing unless a subclass says otherwise.

    Args:
        name: how messages and saved states call it.
        active: when it acts.
    """

    # a structural policy changes the network's modules: see `restructure`
    structural = False
    # one that gives layers other names acts as its epoch begins, before those that follow it
    renames = False
    # policies of learning rates run after all others
    runs_last = False

    def __init__(self, name: str, active: ActiveEpochs) -> None:
        self.name = name
        self.active = active

    def on_epoch_begin(self, context: StepContext) -> None:
        """Act when one of its epochs begins."""

    def on_minibatch_begin(self, context: StepContext) -> None:
        """Act before a forward pass."""

    def observe(self, inputs: Tensor, logits: Tensor) -> None:
        """Take what the network was given in this minibatch and answered."""

    def before_backward_pass(
        self, context: StepContext, loss: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]] | None:
        """Return the loss to go on with and its named parts, or None to leave it."""
        return None

    def before_parameter_optimization(self, context: StepContext) -> None:
        """Act between the backward pass and the optimizer's step."""

    def on_minibatch_end(self, context: StepContext) -> None:
        """Act after the optimizer's step."""

    def on_epoch_end(self, context: StepContext) -> None:
        """Act when one of its epochs ends."""

    def restructure(self, context: StepContext) -> None:
        """Change the network's structure; structural policies only, once per active epoch."""

    def on_structure_changed(self, context: StepContext) -> None:
        """Drop what was kept about modules and shapes: someone changed the structure."""

    def attach(self, optimizer: Optimizer) -> None:
        """Take a new optimizer in place of the one before."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as plain containers."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take what `state_dict` returned."""
