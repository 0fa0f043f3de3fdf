"""The decomposition policy: layers become their forms when an epoch begins, before what follows."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.binding import BuildContext
from vcc.compression.decomposition.decompose import Calibration, Decomposer, decompose_
from vcc.compression.decomposition.decomposers import DECOMPOSERS, DecomposerArguments
from vcc.compression.decomposition.eligible import eligible_layers, foresee_
from vcc.compression.decomposition.report import DecompositionReport
from vcc.compression.masks.store import MaskStore
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.schedule import PolicySpec
from vcc.compression.schedule.selectors import NameResolver
from vcc.errors import ScheduleError
from vcc.models.decomposed import Decomposed

log = logging.getLogger(__name__)


@POLICIES.register("decomposer")
@dataclass(frozen=True, kw_only=True)
class DecompositionArguments(PolicyArguments):
    """Decomposes layers before the first of its epochs."""

    section = "decomposers"
    parts = DECOMPOSERS
    # last of a file's sections: Distiller has none such
    order = 7
    renames = True

    def structural_epochs(self, active: ActiveEpochs) -> tuple[int, ...]:
        return (active.first,)

    def needs_training(self, part: Arguments) -> bool:
        return False

    def foresee(self, part: Arguments, model: nn.Module) -> None:
        if isinstance(part, DecomposerArguments):
            weights, _ = NameResolver(model).names(part.weights)
            foresee_(model, weights, part.form)

    def policy(self, spec: PolicySpec, made: Decomposer, network: BuildContext) -> Policy | None:
        if not set(made.weights) <= network.resolver.parameters.keys():
            network.problem(spec.path, "decomposes what is decomposed already: one policy will do")
            return None
        return DecompositionPolicy(
            spec.instance,
            spec.epochs,
            made,
            expected=tuple(eligible_layers(network.foreseen, made.weights, made.form)[0]),
            example_input=functools.partial(network.example_input, "decomposition"),
            calibration=network.calibration,
        )


class DecompositionPolicy(Policy):
    """Replaces layers by their forms, once: in the network, its masks and its optimizer.

    Filters of a layer that were masked whole stay masked in the last layer of its form; single
    masked weights do not: the factors of a sparse weight are dense.

    Args:
        name: instance name.
        active: epochs; it acts as the first begins, after what stands before it in the file.
        decomposer: what to do.
        expected: layers that the rest of the schedule knows by the names of their forms.
        example_input: returns a batch that the network accepts.
        calibration: returns calibration batches.
    """

    structural = True
    renames = True

    def __init__(
        self,
        name: str,
        active: ActiveEpochs,
        decomposer: Decomposer,
        *,
        expected: tuple[str, ...],
        example_input: Callable[[], Tensor],
        calibration: Calibration | None = None,
    ) -> None:
        super().__init__(name, active)
        self.decomposer, self.expected = decomposer, expected
        self.example_input, self.calibration = example_input, calibration
        self.report: DecompositionReport | None = None
        self._done = False

    def restructure(self, context: StepContext) -> None:
        if self._done:
            return
        self._done = True
        store = context.store
        store.make_permanent()
        masks = store.masks
        report = decompose_(
            context.model,
            self.decomposer,
            self.example_input(),
            calibration=self.calibration,
            optimizer=context.optimizer,
        )
        self.report = report
        log.info("%s\n%s", self.name, report.as_text())
        missing = [name for name in self.expected if name in report.left]
        if missing:
            why = report.left[missing[0]]
            msg = f"{self.name}: {missing[0]} cannot be decomposed any more ({why}): do so earlier"
            raise ScheduleError(msg)
        recouple_decomposed_(store, context.model)
        store.refresh()
        for row in report.rows:
            _keep_masked(store, context.model, row.layer, masks.get(f"{row.layer}.weight"))

    def on_structure_changed(self, context: StepContext) -> None:
        # after a restored structure, too, whose masks are loaded next
        recouple_decomposed_(context.store, context.model)

    def state_dict(self) -> dict[str, Any]:
        return {"done": self._done}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._done = saved["done"]


def recouple_decomposed_(store: MaskStore, model: nn.Module) -> None:
    """Let the last layer of each form lead what its layer's filters led, and its own bias."""
    for name, module in model.named_modules():
        if not isinstance(module, Decomposed) or f"{name}.weight" not in store.coupled:
            continue
        last = f"{name}.{len(module) - 1}"
        led = store.coupled.pop(f"{name}.weight")
        store.coupled[f"{last}.weight"] = tuple(
            f"{last}.bias" if target == f"{name}.bias" else target for target in led
        )


def _keep_masked(store: MaskStore, model: nn.Module, layer: str, mask: Tensor | None) -> None:
    if mask is None:
        return
    alive = mask.flatten(1).any(dim=1)
    module = model.get_submodule(layer)
    if bool(alive.all()) or not isinstance(module, Decomposed):
        return
    name = f"{layer}.{len(module) - 1}.weight"
    shape = store.parameters[name].shape
    keep = alive.reshape(-1, *(1,) * (len(shape) - 1)).expand(shape)
    store.set(name, keep.clone())
    with torch.no_grad():
        store.parameters[name].mul_(keep.to(store.parameters[name].device))
