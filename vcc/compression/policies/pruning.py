"""The pruning policy: computes masks at epoch begin or every few minibatches, and uses them.

Masks are computed at epoch begin and applied at minibatch begin. With default flags the scheduler
masks again after every step, also in epochs where the policy is not active.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vcc.compression.binding import BuildContext
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.pruners.base import PRUNERS, PruneContext, Pruner
from vcc.compression.pruners.elementwise import LevelPruner
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.fields import boolean, integer, number, table
from vcc.compression.schedule.schedule import PolicySpec


@POLICIES.register("pruner")
@dataclass(frozen=True, kw_only=True)
class PruningFlags(PolicyArguments):
    """Lets a pruner mask its targets: a pruning policy's `args`."""

    section = "pruners"
    parts = PRUNERS
    order = 0

    levels: Mapping[str, float] | None = argument(
        table(number(at_least=0, at_most=1)),
        None,
        "replace a level pruner's levels while this policy acts",
    )
    mask_on_forward_only: bool = argument(
        boolean, False, "do not mask again after the step, so that pruned weights can grow"
    )
    keep_mask: bool = argument(boolean, False, "at the last active epoch's end, mask for good")
    use_double_copies: bool = argument(boolean, False, "the optimizer updates the unmasked weights")
    mask_gradients: bool = argument(boolean, False, "multiply gradients by the masks")
    mini_batch_pruning_frequency: int = argument(
        integer(0), 0, "compute masks also every so many minibatches; 0 for never"
    )
    discard_masks_at_minibatch_end: bool = argument(
        boolean, False, "drop the masks after each step"
    )
    skip_first_minibatch: bool = argument(
        boolean, False, "make the first masks at the second minibatch"
    )
    fold_batchnorm: bool = argument(
        boolean, False, "rank filters as scaled by the BatchNorm that follows"
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super().conflicts(given)
        if given.get("mask_gradients") and not given.get("mask_on_forward_only"):
            yield "mask_gradients needs mask_on_forward_only: true"

    def settled_epoch(self, active: ActiveEpochs) -> int | None:
        # Masks that act in the forward pass only stand in the weights from the epoch after.
        return active.last + self.mask_on_forward_only

    def policy(self, spec: PolicySpec, made: Pruner, network: BuildContext) -> Policy:
        in_epoch = self.mini_batch_pruning_frequency or self.skip_first_minibatch
        if made.needs_minibatches and len(set(spec.epochs.epochs)) == 1 and not in_epoch:
            words = (
                "ranks by the minibatches of its policy's epochs, so that it prunes nothing in the "
                "first: give the policy a second epoch, or mini_batch_pruning_frequency"
            )
            network.problem(spec.path, words)
        levels = self.levels
        if levels is not None:
            path = (*spec.path, spec.subject, "args", "levels")
            levels = network.resolve_table(levels, path)
        return PruningPolicy(
            spec.instance,
            spec.epochs,
            made,
            flags=self,
            levels=levels,
            rank_weight=network.folded_weight() if self.fold_batchnorm else None,
        )


class PruningPolicy(Policy):
    """Lets a pruner mask its targets.

    Args:
        name: instance name.
        active: epochs.
        pruner: what computes masks.
        flags: how they are used.
        levels: replace a level pruner's levels while this policy acts.
        rank_weight: with fold_batchnorm, parameter name -> weight as scaled by its BatchNorm.
    """

    def __init__(
        self,
        name: str,
        active: ActiveEpochs,
        pruner: Pruner,
        *,
        flags: PruningFlags,
        levels: Mapping[str, float] | None = None,
        rank_weight: Callable[[str], Tensor] | None = None,
    ) -> None:
        super().__init__(name, active)
        self.pruner, self.flags, self.levels = pruner, flags, levels
        self.rank_weight = rank_weight
        self._configured = False
        self._first_masks_due = flags.skip_first_minibatch

    def on_epoch_begin(self, context: StepContext) -> None:
        if self.levels is not None and isinstance(self.pruner, LevelPruner):
            self.pruner.levels = dict(self.levels)
        if not self._configured:
            self._configure(context)
            if self.flags.skip_first_minibatch:
                return
        self._compute(context)

    def on_minibatch_begin(self, context: StepContext) -> None:
        if self._is_due(context):
            self._compute(context)
        context.store.apply_for_forward()

    def before_parameter_optimization(self, context: StepContext) -> None:
        # while the weights are still those that the gradients are of
        self.pruner.observe_gradients(context.store.parameters)
        context.store.restore_dense()

    def on_minibatch_end(self, context: StepContext) -> None:
        if self.flags.discard_masks_at_minibatch_end:
            for name in self._targets(context):
                context.store.set(name, None)

    def on_epoch_end(self, context: StepContext) -> None:
        if context.epoch != self.active.last:
            return
        targets = self._targets(context)
        if self.flags.keep_mask:
            context.store.configure(targets, forward_only=False, double_copies=False)
            context.store.apply_once(targets)
        context.store.unmask_gradients(targets)

    def on_structure_changed(self, context: StepContext) -> None:
        self.pruner.forget_shapes()

    def _targets(self, context: StepContext) -> tuple[str, ...]:
        return tuple(name for name in self.pruner.targets if name in context.store.states)

    def _configure(self, context: StepContext) -> None:
        self._configured = True
        targets = self._targets(context)
        context.store.configure(
            targets,
            forward_only=self.flags.mask_on_forward_only,
            double_copies=self.flags.use_double_copies,
        )
        if self.flags.mask_gradients:
            context.store.mask_gradients(targets)

    def _is_due(self, context: StepContext) -> bool:
        if context.minibatch == 0:
            return False
        if self._first_masks_due:
            return True
        frequency = self.flags.mini_batch_pruning_frequency
        return frequency > 0 and context.step % frequency == 0

    def _compute(self, context: StepContext) -> None:
        self._first_masks_due = False
        due = PruneContext(
            parameters=context.store.parameters,
            masks=context.store.masks,
            active=self.active,
            epoch=context.epoch,
            step=context.step,
            rank_weight=self.rank_weight if self.flags.fold_batchnorm else None,
        )
        context.store.set_computed(self.pruner.new_masks(due), among=self._targets(context))

    def state_dict(self) -> dict[str, Any]:
        return {
            "configured": self._configured,
            "first_masks_due": self._first_masks_due,
            "pruner": self.pruner.state_dict(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._configured = saved["configured"]
        self._first_masks_due = saved["first_masks_due"]
        self.pruner.load_state_dict(saved["pruner"])
