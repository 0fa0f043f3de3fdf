"""Targets instead of ratios: how sparse each layer must be for a network of a given cost.

One number, the strength, says how sparse all groups of channels are; the smallest strength whose
thinned network meets every target is found by bisection. Without sensitivity results every group
is as sparse as the strength. With them, the strength is the accuracy that a layer may cost, and
robust layers give more channels than delicate ones.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields

from torch import Tensor, nn

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.graph import filter_groups
from vcc.compression.channels.trace import ChannelGroup
from vcc.compression.channels.trace_cache import TracedChannels, groups_of_copy
from vcc.compression.thinning.group_masks import group_masks, prunable_members
from vcc.compression.thinning.remove import thin_
from vcc.errors import ScheduleError, nearest
from vcc.models.summary import count_macs, count_parameters

logger = logging.getLogger(__name__)

# Strengths are multiples of 1/STEPS: finer than a channel of most layers.
STEPS = 128

# Weight name to its curve: sparsity (0 to 1) to accuracy, higher is better.
Sensitivity = Mapping[str, Mapping[float, float]]


@dataclass(frozen=True, kw_only=True)
class ThinningTarget:
    """What the thinned network may cost; None: no matter.

    Attributes:
        macs: share of the dense network's multiply-accumulates, above 0 and below 1.
        params: share of the dense network's parameters, above 0 and below 1.
        latency_ms: milliseconds, as the caller measures them.
    """

    macs: float | None = None
    params: float | None = None
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        if not self.costs():
            msg = "no target is set: give macs, params or latency_ms"
            raise ScheduleError(msg)
        for name, value in self.costs().items():
            if value <= 0 or (name != "latency_ms" and value >= 1):
                rule = "above 0" if name == "latency_ms" else "above 0 and below 1"
                msg = f"target {name}: {value:g} is out of range: it must be {rule}"
                raise ScheduleError(msg)

    def costs(self) -> dict[str, float]:
        """Return the targets that are set, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class TargetPlan:
    """Masks that meet a target once thinned.

    Attributes:
        masks: convolution weight to its filter mask, bool of the weight's shape, 1 = keep.
        sparsity: convolution weight to the share of its filters that is masked.
        asked: convolution weights whose filters go together, to the share asked of them: a count
            of filters is that share rounded down.
        achieved: cost of the thinned network, by the target's names and units.
    """

    masks: dict[str, Tensor]
    sparsity: dict[str, float]
    asked: dict[tuple[str, ...], float]
    achieved: dict[str, float]

    def as_text(self) -> str:
        """Return one line with the cost, and one per layer with its sparsity."""
        costs = ", ".join(f"{name} {value:.3g}" for name, value in self.achieved.items())
        layers = [f"{name}  {share:.3f}" for name, share in self.sparsity.items()]
        return "\n".join([f"after thinning: {costs}", *layers])


def meet_target(  # noqa: PLR0913 - one keyword per thing that bounds the search
    model: nn.Module,
    example_input: Tensor,
    target: ThinningTarget,
    *,
    latency: Callable[[nn.Module], float] | None = None,
    sensitivity: Sensitivity | None = None,
    round_to: int = 1,
    prunable: Collection[str] | None = None,
    dense: Mapping[str, int] | None = None,
    channels: TracedChannels | None = None,
) -> TargetPlan:
    """Find the least masking whose thinned network meets every target.

    The network stays as it is: mask it with the plan, train on if need be, and thin it.

    Args:
        model: a network of this package, not yet masked.
        example_input: a batch of one that it accepts, for tracing; a small one will do.
        target: what it may cost.
        latency: returns the milliseconds of a network on the runtime that matters; needed for
            `target.latency_ms`.
        sensitivity: measured curves; layers without one are as sparse as the strength.
        round_to: channel counts that are left are multiples of this.
        prunable: convolution weights that may lose filters, and with them those whose filters go
            together with theirs; None: all.
        dense: `macs` and `params` that the target's shares are of; None: those of `model`. Where
            `model` costs less already, its clips being smaller, nothing may be left to mask.
        channels: the network's, if its owner has them; None traces them here.

    Raises:
        ScheduleError: a target that cannot be met, even by the sparsest masks allowed; a curve for
            no weight; a latency target without a way to measure it.
    """
    if target.latency_ms is not None and latency is None:
        msg = "target latency_ms: nothing measures it here: give a runtime to measure it on"
        raise ScheduleError(msg)
    groups = (channels or TracedChannels.of(model, example_input)).groups()
    search = _Search(
        model, groups, example_input, target, latency, sensitivity or {}, round_to, prunable, dense
    )
    low, high = 0, STEPS
    if dense is not None:
        unmasked = search.attempt(0)
        if search.met_by(unmasked):
            return unmasked
    best = search.attempt(high)
    if not search.met_by(best):
        raise ScheduleError(search.failure(best))
    while high - low > 1:
        middle = (low + high) // 2
        plan = search.attempt(middle)
        if search.met_by(plan):
            high, best = middle, plan
        else:
            low = middle
    logger.info("%s", best.as_text())
    return best


class _Search:
    """Turns a strength into masks, and masks into what the thinned network costs."""

    def __init__(  # noqa: PLR0913 - what `meet_target` was given
        self,
        model: nn.Module,
        groups: tuple[ChannelGroup, ...],
        example_input: Tensor,
        target: ThinningTarget,
        latency: Callable[[nn.Module], float] | None,
        sensitivity: Sensitivity,
        round_to: int,
        prunable: Collection[str] | None,
        dense: Mapping[str, int] | None,
    ) -> None:
        self.model, self.example_input, self.target = model, example_input, target
        self.latency, self.round_to, self.prunable = latency, round_to, prunable
        together = filter_groups(model, groups)
        self.together = {name: names for names in together for name in names}
        self.groups = groups
        self.dense = dense or {"macs": count_macs(model), "params": count_parameters(model)}
        self.curves = _checked_curves(sensitivity, self.groups, model)
        self.worst = max((_drops(curve)[-1][1] for curve in self.curves.values()), default=0.0)

    def attempt(self, step: int) -> TargetPlan:
        """Return the masks of a strength with the cost of what thinning makes of them."""
        strength = step / STEPS
        # One share for all that goes together, as a coupled pruner gives it: where shortcut A pads
        # a stream, the groups of its first and of its further channels must agree.
        asked = {names: self._sparsity(names, strength) for names in self.together.values()}
        masks = group_masks(
            self.groups, lambda names: asked[self.together[names[0]]], round_to=self.round_to
        )
        thinned = copy.deepcopy(self.model)
        channels = TracedChannels(lambda: groups_of_copy(self.groups, thinned))
        zero_filters_(thinned, masks, channels.groups())
        thin_(thinned, masks, self.example_input, channels=channels)
        sparsity = {
            name: 1 - float(mask.flatten(1).any(dim=1).float().mean())
            for name, mask in masks.items()
        }
        asked = {names: share for names, share in asked.items() if share and names[0] in masks}
        return TargetPlan(masks, sparsity, asked, self._cost(thinned))

    def met_by(self, plan: TargetPlan) -> bool:
        """Return whether a plan meets every target."""
        return all(plan.achieved[name] <= value for name, value in self.target.costs().items())

    def failure(self, best: TargetPlan) -> str:
        """Return what to say when the sparsest masks do not meet the target."""
        missed = {
            name: (best.achieved[name], value)
            for name, value in self.target.costs().items()
            if best.achieved[name] > value
        }
        costs = ", ".join(f"{name} {value:g} (at best {got:.3g})" for name, (got, value)
                          in missed.items())  # fmt: skip
        why = "with the sparsities that sensitivity measured" if self.curves else "by thinning"
        return f"target {costs} cannot be met {why}: ask for less or choose a smaller network"

    def _sparsity(self, names: tuple[str, ...], strength: float) -> float:
        if self.prunable is not None and not set(names) & set(self.prunable):
            return 0.0
        curves = [self.curves[name] for name in names if name in self.curves]
        if not curves:
            return strength
        return min(allowed_sparsity(curve, strength * self.worst) for curve in curves)

    def _cost(self, thinned: nn.Module) -> dict[str, float]:
        cost: dict[str, float] = {}
        if self.target.macs is not None:
            cost["macs"] = count_macs(thinned) / self.dense["macs"]
        if self.target.params is not None:
            cost["params"] = count_parameters(thinned) / self.dense["params"]
        if self.latency is not None and self.target.latency_ms is not None:
            cost["latency_ms"] = self.latency(thinned)
        return cost


def allowed_sparsity(curve: Mapping[float, float], drop: float) -> float:
    """Return the largest sparsity at which a layer costs no more accuracy than `drop`.

    Between measured sparsities the drop is taken as linear; beyond the last nothing is known, so
    nothing is allowed. A layer that was better at a higher sparsity than at a lower one is taken
    to lose what it lost at the lower one.
    """
    points = _drops(curve)
    allowed = 0.0
    for (low, drop_low), (high, drop_high) in zip(points, points[1:], strict=False):
        if drop_high <= drop:
            allowed = high
        elif drop_low <= drop:
            return low + (high - low) * (drop - drop_low) / (drop_high - drop_low)
    return allowed


def _drops(curve: Mapping[float, float]) -> list[tuple[float, float]]:
    """Return (sparsity, accuracy lost), both ascending, from (0, 0) on."""
    points = sorted(curve.items())
    dense = curve.get(0.0, points[0][1])
    drops = [(0.0, 0.0)]
    for sparsity, accuracy in points:
        if sparsity > 0:
            drops.append((sparsity, max(drops[-1][1], dense - accuracy)))
    return drops


def _checked_curves(
    sensitivity: Sensitivity, groups: tuple[ChannelGroup, ...], model: nn.Module
) -> dict[str, Mapping[float, float]]:
    """Return the curves of layers that can lose filters; an analysis measures others, too."""
    thinned = {f"{m.name}.weight" for group in groups for m in prunable_members(group)}
    known = [name for name, _ in model.named_parameters()]
    for name, curve in sensitivity.items():
        if name not in known:
            msg = f"sensitivity of {name!r}: no such weight: {nearest(name, known)}"
            raise ScheduleError(msg)
        if not curve or not all(0 <= sparsity <= 1 for sparsity in curve):
            msg = f"sensitivity of {name!r}: needs sparsities between 0 and 1, has {list(curve)}"
            raise ScheduleError(msg)
    return {name: curve for name, curve in sensitivity.items() if name in thinned}
