"""The compression scheduler: routes a training loop's callbacks to the policies of the epoch.

A plain object for any loop. It owns the masks and their enforcement: every parameter with a mask
is masked again after every step, in all epochs, unless its policy said forward only.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.engine.call_order import CallOrder
from vcc.compression.engine.distributed import is_distributed
from vcc.compression.masks.store import MaskStore
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.policies.lr_schedulers import restore_settings, ruled_settings
from vcc.compression.quantization.ranges import share_ranges
from vcc.compression.schedule.schedule import Schedule
from vcc.errors import ScheduleError

log = logging.getLogger(__name__)


class CompressionScheduler:
    """Runs the policies of a schedule on a network.

    Args:
        model: the network.
        optimizer: may come later by `attach`.
        store: the masks; None makes an empty one.
        schedule: what the policies were built from, for `compile_phases` and the records.
        channels: the network's channels, shared by all that asks about them: traced once per
            structure.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer | None = None,
        *,
        store: MaskStore | None = None,
        schedule: Schedule | None = None,
        channels: TracedChannels | None = None,
    ) -> None:
        self.model = model
        self.optimizer: Optimizer | None = None
        self.store = store or MaskStore(model)
        self.schedule = schedule
        self.channels = channels
        self.policies: list[Policy] = []
        self._order = CallOrder()
        self._seam: int | None = None
        self._restructured: set[tuple[int, int]] = set()
        self._settings: list[dict[str, Any]] = []
        if optimizer is not None:
            self.attach(optimizer)

    @property
    def masks(self) -> dict[str, Tensor | None]:
        """Parameter name -> keep mask (bool, the parameter's shape) or None."""
        return self.store.masks

    @property
    def last_epoch(self) -> int:
        """The epoch that began last; -1 before the first."""
        return self._order.epoch

    def add_policy(self, policy: Policy) -> None:
        """Add a policy; it acts after those added before, learning rates after all."""
        self.policies.append(policy)
        self.policies.sort(key=lambda item: item.runs_last)
        if self.optimizer is not None:
            policy.attach(self.optimizer)

    def active_policies(self, epoch: int) -> list[Policy]:
        """Return the policies of an epoch in order; one whose list names it twice comes twice."""
        return [policy for policy in self.policies for e in policy.active.epochs if e == epoch]

    def attach(self, optimizer: Optimizer) -> None:
        """Use a new optimizer, with the learning rates of the one before (or of a loaded state)."""
        if optimizer is self.optimizer:
            return
        for policy in self.policies:
            policy.attach(optimizer)
        if any(policy.runs_last for policy in self.policies):
            restore_settings(optimizer, self._settings)
        self._settings = []
        self.optimizer = optimizer

    def on_epoch_begin(self, epoch: int) -> None:
        """Begin an epoch: policies compute masks; nothing is applied yet."""
        if self._seam == epoch:
            # the seam before this epoch has begun it already
            self._seam = None
            return
        self._order.check("on_epoch_begin", epoch)
        self.store.invalidate()
        due: list[Policy] = []
        for policy in self.active_policies(epoch):
            policy.on_epoch_begin(self._context(epoch))
            due += [policy] if policy.structural else []
            if policy.renames:
                # those that follow in the file know the network as it is then
                self._restructure_all(due, epoch)
                due = []

    def on_minibatch_begin(self, epoch: int, minibatch_id: int, minibatches_per_epoch: int) -> None:
        """Prepare the weights for a forward pass; structural actions still due run here."""
        self._order.check("on_minibatch_begin", epoch)
        context = self._context(epoch, minibatch_id, minibatches_per_epoch)
        for policy in self.active_policies(epoch):
            policy.on_minibatch_begin(context)
            if policy.structural and self._claim(policy, epoch):
                self._restructure(policy, context)

    def forward(self, inputs: Tensor) -> Tensor:
        """Run the network and show policies what it was given and answered.

        A plain loop calls it in place of the network where the schedule distils.
        """
        outputs: Tensor = self.model(inputs)
        self.observe(inputs, outputs)
        return outputs

    def observe(self, inputs: Tensor, logits: Tensor) -> None:
        """Show the epoch's policies a forward pass, before `before_backward_pass`.

        Args:
            inputs: what the teacher of a distiller is asked about.
            logits: [N,C] that the network gave for them, with their graph.
        """
        for policy in self.active_policies(self.last_epoch):
            policy.observe(inputs, logits)

    def before_backward_pass(
        self, epoch: int, minibatch_id: int, minibatches_per_epoch: int, loss: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss to minimise and the named parts that policies added to it."""
        self._order.check("before_backward_pass", epoch)
        context = self._context(epoch, minibatch_id, minibatches_per_epoch)
        components: dict[str, Tensor] = {}
        for policy in self.active_policies(epoch):
            changed = policy.before_backward_pass(context, loss)
            if changed is not None:
                loss, parts = changed
                for name, value in parts.items():
                    components[name] = components[name] + value if name in components else value
        return loss, components

    def before_parameter_optimization(
        self,
        epoch: int,
        minibatch_id: int,
        minibatches_per_epoch: int,
        optimizer: Optimizer | None = None,
    ) -> None:
        """Act between the backward pass and the optimizer's step."""
        self._order.check("before_parameter_optimization", epoch)
        context = self._context(epoch, minibatch_id, minibatches_per_epoch, optimizer)
        for policy in self.active_policies(epoch):
            policy.before_parameter_optimization(context)

    def on_minibatch_end(
        self,
        epoch: int,
        minibatch_id: int,
        minibatches_per_epoch: int,
        optimizer: Optimizer | None = None,
    ) -> None:
        """Mask the weights again after the step, then let the policies act."""
        self._order.check("on_minibatch_end", epoch)
        self.store.apply_after_step()
        context = self._context(epoch, minibatch_id, minibatches_per_epoch, optimizer)
        for policy in self.active_policies(epoch):
            policy.on_minibatch_end(context)
        if is_distributed():
            share_ranges(self.model)

    def on_epoch_end(self, epoch: int, metrics: Mapping[str, float] | None = None) -> None:
        """End an epoch, after its validation.

        Args:
            epoch: the epoch.
            metrics: {"min": loss, "max": accuracy}; ReduceLROnPlateau reads the one of its mode.
        """
        self._order.check("on_epoch_end", epoch)
        context = self._context(epoch, metrics=metrics or {})
        for policy in self.active_policies(epoch):
            policy.on_epoch_end(context)

    def begin_seam(self, epoch: int) -> None:
        """Begin an epoch and perform its structural actions, before an optimizer for it exists.

        The driver of phases calls it; the loop's own `on_epoch_begin` for that epoch then does
        nothing more.
        """
        self.on_epoch_begin(epoch)
        self._seam = epoch
        self._restructure_all(self.active_policies(epoch), epoch)

    def structure_restored(self) -> None:
        """Look the network's modules up again: it was given the structure of a saved state."""
        self.store.refresh()
        self._tell_structure_changed(self._context(max(0, self.last_epoch)))

    def apply_masks_to(self, model: nn.Module) -> None:
        """Mask a network of the same structure, such as an average of weights."""
        self.store.apply_to(model)

    def state_dict(self) -> dict[str, Any]:
        """Return masks, policies' state and learning rates as plain containers of tensors."""
        return {
            **self.store.state_dict(),
            "policies": [policy.state_dict() for policy in self.policies],
            "restructured": sorted(list(pair) for pair in self._restructured),
            "optimizer": ruled_settings(self.optimizer) or list(self._settings),
            "epoch": self._order.epoch,
            "last_call": self._order.last,
            "seam": self._seam,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on where a saved scheduler stood, within an epoch too.

        The network must have the structure of then; the loop goes on with the callback that was
        due.

        Raises:
            ScheduleError: the state is of another network or another schedule.
        """
        states = saved.get("policies")
        if states is not None and len(states) != len(self.policies):
            msg = (
                f"the saved state has {len(states)} policies, this schedule {len(self.policies)}: "
                "resume with the schedule that the run started with"
            )
            raise ScheduleError(msg)
        self.store.load_state_dict(saved)
        for policy, state in zip(self.policies, states or [], strict=bool(states)):
            policy.load_state_dict(state)
        self._restructured = {(pair[0], pair[1]) for pair in saved.get("restructured", [])}
        self._settings = [dict(group) for group in saved.get("optimizer", [])]
        if self.optimizer is not None and any(policy.runs_last for policy in self.policies):
            restore_settings(self.optimizer, self._settings)
        self._order = CallOrder(saved.get("last_call", "start"), saved.get("epoch", -1))
        self._seam = saved.get("seam")

    def _context(
        self,
        epoch: int,
        minibatch: int = 0,
        n_minibatches: int = 0,
        optimizer: Optimizer | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> StepContext:
        return StepContext(
            self.model,
            self.store,
            epoch,
            minibatch=minibatch,
            n_minibatches=n_minibatches,
            optimizer=optimizer or self.optimizer,
            metrics=metrics or {},
            channels=self.channels,
        )

    def _claim(self, policy: Policy, epoch: int) -> bool:
        """Return True once per policy and epoch."""
        key = (self.policies.index(policy), epoch)
        if key in self._restructured:
            return False
        self._restructured.add(key)
        return True

    def _restructure_all(self, policies: list[Policy], epoch: int) -> None:
        """Let the structural ones of some policies act, in their order, if they have not yet."""
        for policy in policies:
            if policy.structural and self._claim(policy, epoch):
                self.store.apply_for_forward()
                self._restructure(policy, self._context(epoch))

    def _restructure(self, policy: Policy, context: StepContext) -> None:
        log.debug("epoch %d: %s changes the network's structure", context.epoch, policy.name)
        policy.restructure(context)
        self._tell_structure_changed(context)

    def _tell_structure_changed(self, context: StepContext) -> None:
        if self.channels is not None:
            self.channels.forget()
        for policy in self.policies:
            policy.on_structure_changed(context)
