"""First-order Taylor importance: what the loss would change if a structure were zero.

Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning" (CVPR), equation 8: the
square of the sum of gradient * weight over a structure, averaged over minibatches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vcc.compression.binding import Gate, Site
from vcc.compression.masks.structures import TEMPORAL_SLICES, structures_alive
from vcc.compression.pruners.base import PRUNERS, PruneContext, Pruner
from vcc.compression.pruners.ranked import RankedPruner
from vcc.compression.pruners.ranked_arguments import (
    AcrossLayers,
    Ramp,
    Ranked,
    Share,
    ranked_pruner,
)
from vcc.compression.pruners.scores import Score
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.fields import choice

Parameters = Mapping[str, nn.Parameter]


@dataclass(frozen=True, kw_only=True)
class _ByTaylor(Ranked):
    group_type: str = argument(
        choice("Filters", "3D", TEMPORAL_SLICES),
        "Filters",
        "Filters or 3D, which are the same, or TemporalSlices",
    )

    def build(self, site: Site) -> Pruner:
        if self.group_type == TEMPORAL_SLICES:
            score = TaylorScore({}, (2,))
        else:
            score = TaylorScore(site.network.gates(site.class_name), (0,))
        return TaylorPruner(ranked_pruner(self, site, score=score), score)


@PRUNERS.register("TaylorRankedFilterPruner")
@dataclass(frozen=True, kw_only=True)
class TaylorRanked(AcrossLayers, _ByTaylor, Share):
    """Prunes the filters without which the loss would change least, to first order.

    The loss's change is taken over the minibatches since the last masks (Molchanov et al. 2019). An
    extension.
    """


@PRUNERS.register("TaylorRankedFilterPruner_AGP")
@dataclass(frozen=True, kw_only=True)
class TaylorRankedRamp(AcrossLayers, _ByTaylor, Ramp):
    """As `TaylorRankedFilterPruner`, along the ramp of `AutomatedGradualPruner`."""


class TaylorScore(Score):
    """Mean over the minibatches seen of (sum of gradient * weight over the structure)^2.

    A filter with a BatchNorm behind it is judged at the BatchNorm: its output is multiplied by a
    gate of 1, whose gradient is gamma * dL/dgamma + beta * dL/dbeta (the paper's gates). The sum
    over the filter's own weights is next to 0 whatever it is worth, since the BatchNorm undoes any
    change of the filter's scale.

    Structures of zeros score 0; None before the first minibatch.

    Args:
        gates: weight name -> the BatchNorm behind it.
        dims: of the structures, 0 for filters.
    """

    def __init__(self, gates: Mapping[str, Gate], dims: Sequence[int]) -> None:
        self.gates, self.dims = dict(gates), tuple(dims)
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def __call__(self, name: str, dims: Sequence[int], context: PruneContext) -> Tensor | None:
        if name not in self.sums:
            return None
        weight = context.weight(name)
        alive = structures_alive(weight, dims)
        return self.sums[name].to(weight.device) / self.counts[name] * alive

    def observe(self, names: Iterable[str], parameters: Parameters) -> None:
        """Take the gradients of one minibatch; those that overflowed are passed over."""
        for name in names:
            change = self._change(name, parameters)
            if change is not None and bool(change.isfinite().all()):
                square = change.double().square()
                self.sums[name] = self.sums[name] + square if name in self.sums else square
                self.counts[name] = self.counts.get(name, 0) + 1

    def start(self) -> None:
        """Forget what was seen."""
        self.sums, self.counts = {}, {}

    def state_dict(self, names: Iterable[str]) -> dict[str, Any]:
        return {"sums": dict(self.sums), "counts": dict(self.counts)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.sums, self.counts = dict(saved["sums"]), dict(saved["counts"])

    def _change(self, name: str, parameters: Parameters) -> Tensor | None:
        """Return the loss's first-order change by each structure of a weight."""
        gate = self.gates.get(name) if self.dims == (0,) else None
        if gate is not None and gate.scale in parameters:
            terms = [_products(parameters.get(vector)) for vector in (gate.scale, gate.shift)]
        else:
            own = _products(parameters.get(name))
            others = [d for d in range(own.dim()) if d not in self.dims] if own is not None else []
            terms = [own if own is None else own.sum(dim=others)]
            if self.dims == (0,):
                terms.append(_products(parameters.get(name.removesuffix("weight") + "bias")))
        found = [term for term in terms if term is not None]
        return torch.stack(found).sum(dim=0) if found else None


class TaylorPruner(Pruner):
    """Lets a ranked pruner rank by what the minibatches since its last masks showed.

    Args:
        ranked: ranks by `score`.
        score: what is fed.
    """

    needs_minibatches = True

    def __init__(self, ranked: RankedPruner, score: TaylorScore) -> None:
        self.ranked, self.score = ranked, score

    @property
    def targets(self) -> tuple[str, ...]:
        return self.ranked.targets

    def observe_gradients(self, parameters: Parameters) -> None:
        self.score.observe(self.targets, parameters)

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        masks = self.ranked.new_masks(context)
        self.score.start()
        return masks

    def state_dict(self) -> dict[str, Any]:
        # with the state of the score
        return self.ranked.state_dict()

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.ranked.load_state_dict(saved)

    def forget_shapes(self) -> None:
        self.ranked.forget_shapes()
        self.score.start()


def _products(parameter: nn.Parameter | None) -> Tensor | None:
    """Return weight * gradient, or None for a parameter without a gradient."""
    if parameter is None or parameter.grad is None:
        return None
    return parameter.detach() * parameter.grad.detach()
