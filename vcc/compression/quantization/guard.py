"""Guarded post-training quantization: layers go back to float until the loss on dev holds.

Partial quantization as in Wu et al. 2020, "Integer Quantization for Deep Learning Inference:
Principles and Empirical Evaluation", section 5.1: each layer is quantized by itself, the layers are
ordered by what that costs, and the costliest are left in float until the accuracy is met. The cost
here is the increase of the loss on dev, which is finer than accuracy on few videos.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from vcc.compression.mending.parameters import FloatParameters, Precisions
from vcc.compression.schedule.arguments import Arguments, argument
from vcc.compression.schedule.fields import number, optional
from vcc.compression.sensitivity.measured import EvalResult, Measure
from vcc.models.quantized.plan import float_layers
from vcc.spreadsheet import CsvWriter

log = logging.getLogger(__name__)

CSV_HEADER = ("layer", "loss_increase_alone", "precision")


@dataclass(frozen=True, kw_only=True)
class Budget(Arguments):
    """What quantization may cost on dev; null does not count."""

    loss: float | None = argument(
        optional(number(at_least=0)), None, "increase of the mean cross-entropy, nats"
    )
    top1: float | None = argument(optional(number(at_least=0)), None, "decrease of top-1, 0 to 1")

    def holds(self, before: EvalResult, now: EvalResult) -> bool:
        """Return whether a network's figures are within the budget of the float network's.

        Figures that are not numbers are not.
        """
        loss_holds = self.loss is None or now.loss - before.loss <= self.loss
        top1_holds = self.top1 is None or before.top1 - now.top1 <= self.top1 + 1e-9
        return loss_holds and top1_holds

    def describe(self) -> str:
        """Return the budget in words."""
        parts = {"loss": self.loss, "top-1": self.top1}
        return ", ".join(f"{name} {value:g}" for name, value in parts.items() if value is not None)


@dataclass(frozen=True)
class GuardReport:
    """What a guard did.

    Args:
        budget: what had to hold.
        float_network: measured with no quantizer in force.
        quantized: measured with all of them.
        guarded: measured as the network is left.
        loss_increase: layer -> loss on dev with only that layer quantized, minus the float
            network's, largest first; empty where the budget held at once.
        returned: the layers that went back to float, in that order.
        in_float: convolutions and linear layers that had no quantizers to begin with.
    """

    budget: Budget
    float_network: EvalResult
    quantized: EvalResult
    guarded: EvalResult
    loss_increase: Mapping[str, float]
    returned: tuple[str, ...]
    in_float: tuple[str, ...] = ()

    def as_csv(self) -> str:
        """Return one row per layer: its own cost and the precision that it is left in."""
        out = io.StringIO()
        writer = CsvWriter(out)
        writer.writerow(CSV_HEADER)
        for name, cost in self.loss_increase.items():
            precision = "float" if name in self.returned else "quantized"
            writer.writerow([name, f"{cost:.6g}", precision])
        return out.getvalue()

    def sentence(self) -> str:
        """Return what happened, in one line."""
        losses = (self.float_network.loss, self.quantized.loss, self.guarded.loss)
        before, quantized, now = (f"{loss:.4f}" for loss in losses)
        if not self.returned:
            return (
                f"dev loss {before} -> {quantized}: within the budget ({self.budget.describe()}), "
                f"{self._stays()}"
            )
        return (
            f"dev loss {before} -> {quantized} missed the budget ({self.budget.describe()}): "
            f"back to float: {', '.join(self.returned)}; dev loss now {now}"
        )

    def _stays(self) -> str:
        if not self.in_float:
            return "every layer stays quantized"
        return f"every quantized layer stays so; never quantized: {', '.join(self.in_float)}"


class AccuracyGuard:
    """Returns the layers of a calibrated network to float, worst first, until a budget holds.

    Args:
        measure: what is measured, on dev.
        budget: what quantization may cost.
    """

    def __init__(self, measure: Measure, budget: Budget) -> None:
        self.measure, self.budget = measure, budget

    def __call__(self, model: nn.Module, floats: FloatParameters | None = None) -> GuardReport:
        """Guard a network in place. It costs two measurements where the budget holds at once.

        Where it does not: one more for each layer, to order them, and one for each that goes back.

        Args:
            model: with quantizers.
            floats: what parameters were before they were mended; a layer in float has those.
        """
        layers = Precisions(model, floats)
        in_float = float_layers(model)
        quantized = self.measure(model)
        before = self._with_only(layers, ())
        costs: dict[str, float] = {}
        returned: list[str] = []
        now = quantized
        if not self.budget.holds(before, quantized):
            for number, name in enumerate(layers.layers, 1):
                costs[name] = self._with_only(layers, (name,)).loss - before.loss
                log.info("guard: %d of %d layers measured alone", number, len(layers.layers))
            costs = _worst_first(costs)
            for name in costs:
                layers.to_float(name)
                returned.append(name)
                now = self.measure(model)
                log.debug("%s in float: dev loss %.4f", name, now.loss)
                if self.budget.holds(before, now):
                    break
        return GuardReport(self.budget, before, quantized, now, costs, tuple(returned), in_float)

    def _with_only(self, layers: Precisions, chosen: tuple[str, ...]) -> EvalResult:
        """Measure with the quantizers of some layers in force, and put the others back."""
        others = [name for name in layers.layers if name not in chosen]
        try:
            for name in others:
                layers.to_float(name)
            return self.measure(layers.model)
        finally:
            for name in others:
                layers.to_integers(name)


def _worst_first(costs: Mapping[str, float]) -> dict[str, float]:
    # a loss that is not a number is the worst there is
    return dict(sorted(costs.items(), key=lambda item: (item[1] == item[1], -item[1])))
