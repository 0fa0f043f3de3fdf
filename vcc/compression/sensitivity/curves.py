"""Sensitivity analysis: accuracy against sparsity, one layer pruned at a time.

Distiller's procedure (element, filter and channel groups, one-shot, no training), for weights of
any rank. The one network is restored between levels; nothing is copied but the layer that is
pruned.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vcc.compression.masks.selection import keep_level
from vcc.compression.masks.store import MaskStore
from vcc.compression.masks.structures import spread, structure_means
from vcc.compression.pruners.ranked import keep_structures
from vcc.compression.sensitivity.measured import EvalResult, Measure
from vcc.models.modes import evaluating
from vcc.spreadsheet import CsvWriter

log = logging.getLogger(__name__)

GROUPS = ("element", "filter", "channel")
CSV_HEADER = ("parameter", "sparsity", "top1", "top5", "loss")
# group -> (dimension that its structures are counted along, fewest dimensions of a weight)
_STRUCTURES = {"filter": (0, 2), "channel": (1, 3)}
_ROUNDING = 1e-9

# wraps an iterable of steps, with their number, to show how far it is
Progress = Callable[[Iterable[str], int], Iterable[str]]


@dataclass(frozen=True)
class Point:
    """One parameter pruned to one level, and what the network measured then."""

    parameter: str
    sparsity: float
    measured: EvalResult


@dataclass(frozen=True)
class Analysis:
    """The points of an analysis, parameter by parameter in ascending levels.

    Args:
        group: what was pruned: element, filter or channel.
        baseline: the network with nothing pruned.
        points: one per parameter and level.
    """

    group: str
    baseline: EvalResult
    points: tuple[Point, ...]

    def curves(self) -> dict[str, list[Point]]:
        """Return parameter -> its points."""
        curves: dict[str, list[Point]] = {}
        for point in self.points:
            curves.setdefault(point.parameter, []).append(point)
        return curves

    def as_csv(self) -> str:
        """Return Distiller's CSV: parameter,sparsity,top1,top5,loss; accuracies in percent."""
        out = io.StringIO()
        writer = CsvWriter(out)
        writer.writerow(CSV_HEADER)
        for point in self.points:
            found = point.measured
            tops = [round(100 * top, 6) for top in (found.top1, found.top5)]
            writer.writerow([point.parameter, point.sparsity, *tops, found.loss])
        return out.getvalue()

    def proposal(self, max_drop: float) -> dict[str, float]:
        """Return parameter -> the largest sparsity that it and all lower levels survive.

        Args:
            max_drop: how much top-1 (0..1) a layer may cost by itself.
        """
        least = self.baseline.top1 - max_drop - _ROUNDING
        found = {}
        for name, points in self.curves().items():
            found[name] = 0.0
            for point in points:
                if point.measured.top1 < least:
                    break
                found[name] = point.sparsity
        return found


def levels_between(start: float, stop: float, step: float) -> tuple[float, ...]:
    """Return start, start + step, ... below stop, without the crumbs of binary fractions."""
    count = max(0, int(-(-(stop - start - _ROUNDING) // step)))
    return tuple(round(start + i * step, 10) for i in range(count))


def prunable_weights(model: nn.Module, group: str) -> tuple[str, ...]:
    """Return the parameters that a group of structures exists in, in the network's order.

    Elements and filters: 2 to 5 dimensions; channels: 3 to 5. A weight with a single structure is
    left out.
    """
    along, least = _STRUCTURES.get(group, (None, 2))
    return tuple(
        name
        for name, parameter in model.named_parameters()
        if least <= parameter.dim() <= 5 and (along is None or parameter.shape[along] > 1)
    )


def analyse(
    model: nn.Module,
    measure: Measure,
    *,
    group: str,
    levels: Sequence[float],
    weights: Sequence[str] | None = None,
    coupled: Mapping[str, tuple[str, ...]] | None = None,
    progress: Progress = lambda steps, _count: steps,
) -> Analysis:
    """Prune one parameter at a time to each level and measure the network.

    Elements are pruned by magnitude, filters and channels by their L1 norm. The network is left as
    it was, also when `measure` fails.

    Args:
        model: the network.
        measure: what is measured; a level that prunes nothing is not measured again.
        group: element, filter or channel.
        levels: sparsities, 0..1.
        weights: parameters to analyse; None takes all `prunable_weights`.
        coupled: weight -> the bias and BatchNorm parameters of its filters, which are masked with
            them, as removing the filter will.
        progress: shows the steps, one per parameter and level.
    """
    names = prunable_weights(model, group) if weights is None else tuple(weights)
    store = MaskStore(model, coupled=coupled if group == "filter" else None)
    steps = [(name, level) for name in names for level in sorted(levels)]
    points = []
    with evaluating(model):
        baseline = measure(model)
        shown = progress((f"{name} {level:.2f}" for name, level in steps), len(steps))
        for (name, level), _ in zip(steps, shown, strict=True):
            mask = level_mask(store.parameters[name], level, group)
            found = baseline
            if mask is not None:
                with _pruned(store, name, mask):
                    found = measure(model)
            points.append(Point(name, level, found))
            log.debug("%s at %.2f: top-1 %.3f, loss %.3f", name, level, found.top1, found.loss)
    return Analysis(group, baseline, tuple(points))


def level_mask(weight: Tensor, level: float, group: str) -> Tensor | None:
    """Return the keep mask that prunes a weight to a level, or None where that is nothing."""
    weight = weight.detach()
    if group == "element":
        mask = keep_level(weight, level)
        return None if bool(mask.all()) else mask
    dims = (_STRUCTURES[group][0],)
    keep = keep_structures(structure_means(weight, dims, order=1), level)
    return None if keep is None else spread(keep, weight.shape, dims)


@contextmanager
def _pruned(store: MaskStore, name: str, mask: Tensor) -> Iterator[None]:
    """Mask a parameter and what is coupled to it; afterwards every bit is as it was."""
    touched = [store.parameters[each] for each in (name, *store.coupled.get(name, ()))]
    with torch.no_grad():
        before = [parameter.clone() for parameter in touched]
    try:
        store.set(name, mask)
        store.apply_once([name])
        yield
    finally:
        store.set(name, None)
        with torch.no_grad():
            for parameter, values in zip(touched, before, strict=True):
                parameter.copy_(values)
