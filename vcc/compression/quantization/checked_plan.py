"""Quantizers put into a network, and taken out again where the layers compute something else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from torch import Tensor, nn

from vcc.compression.channels.unchanged import Computed
from vcc.models.quantized.plan import apply_plan, quantizers_by_layer, set_quantizers
from vcc.models.quantized.plan_parts import QuantizationPlan

log = logging.getLogger(__name__)


def apply_plan_checked(model: nn.Module, plan: QuantizationPlan, example_input: Tensor) -> None:
    """Apply a range-linear plan in place, but for layers that then compute something else.

    That is tried with every quantizer off, so that only the exchange of modules is judged. A line
    of the log names each layer that stays as it was.
    """
    before = Computed(model, example_input)
    modules = {name: model.get_submodule(name) for name in plan.layers}
    apply_plan(model, plan)
    if not _differs(before, model):
        return
    for name, module in modules.items():
        model.set_submodule(name, module)
    for name, layer in plan.layers.items():
        apply_plan(model, replace(plan, layers={name: layer}, entries={}))
        if words := _differs(before, model):
            model.set_submodule(name, modules[name])
            log.warning("%s stays in float: quantized, %s", name, words)


def _differs(before: Computed, model: nn.Module) -> str:
    with _quantizers_off(model):
        return before.differs(model)


@contextmanager
def _quantizers_off(model: nn.Module) -> Iterator[None]:
    found = quantizers_by_layer(model)
    try:
        for name in found:
            set_quantizers(model, name, None)
        yield
    finally:
        for name, quantizers in found.items():
            set_quantizers(model, name, quantizers)
