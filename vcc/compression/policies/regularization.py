"""The regularization policy: adds a term to the loss, and drops what falls below its threshold."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vcc.compression.binding import BuildContext
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.regularizers.base import REGULARIZERS, Regularizer
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.fields import boolean
from vcc.compression.schedule.schedule import PolicySpec


@POLICIES.register("regularizer")
@dataclass(frozen=True, kw_only=True)
class RegularizationArguments(PolicyArguments):
    """Adds a regularizer's term to the loss."""

    section = "regularizers"
    parts = REGULARIZERS
    order = 1

    keep_mask: bool = argument(boolean, False, "keep the last mask for good")

    def settled_epoch(self, active: ActiveEpochs) -> int | None:
        # What is dropped after the last step stands in the weights from the epoch after.
        return active.last + 1 if self.keep_mask else None

    def policy(self, spec: PolicySpec, made: Regularizer, network: BuildContext) -> Policy:
        part = network.schedule.component(spec.subject, spec.instance)
        return RegularizationPolicy(
            spec.instance,
            spec.epochs,
            made,
            term=f"{part.class_name}_loss",
            keep_mask=self.keep_mask,
        )


class RegularizationPolicy(Policy):
    """Adds a regularizer's term before each backward pass.

    With a threshold criterion the weights below it are set to zero after every step, for that step
    only: the mask is computed afresh each time and stays in force only from the last minibatch of
    the last active epoch on, with `keep_mask`. A pruner's mask of the same parameter stays as it is
    until then, and is joined with it.

    Args:
        name: instance name.
        active: epochs.
        regularizer: the term.
        term: its name among the components of the loss.
        keep_mask: keep the last mask for good.
    """

    def __init__(
        self,
        name: str,
        active: ActiveEpochs,
        regularizer: Regularizer,
        *,
        term: str,
        keep_mask: bool = False,
    ) -> None:
        super().__init__(name, active)
        self.regularizer, self.term, self.keep_mask = regularizer, term, keep_mask

    def before_backward_pass(
        self, context: StepContext, loss: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]] | None:
        term = self.regularizer.total(context.store.parameters)
        return loss + term, {self.term: term.detach()}

    def on_minibatch_end(self, context: StepContext) -> None:
        if self.regularizer.criterion is None:
            return
        last = context.epoch == self.active.last and context.minibatch == context.n_minibatches - 1
        kept = {}
        for name in self.regularizer.targets:
            parameter = context.store.parameters[name]
            keep = self.regularizer.keep(name, parameter)
            parameter.data.mul_(keep)
            before = context.store.masks[name]
            kept[name] = keep if before is None else keep & before
        if last and self.keep_mask:
            context.store.set_computed(kept, among=self.regularizer.targets)
