"""The quantization policy: inserts quantizers before its first epoch; they do the rest."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.binding import BuildContext, Site
from vcc.compression.mending.mend import NEAREST, mend_
from vcc.compression.mending.parameters import FloatParameters
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.quantization.clipping import ActivationStats
from vcc.compression.quantization.guard import AccuracyGuard, GuardReport
from vcc.compression.quantization.insertion import Calibration, calibrate, insert_quantizers
from vcc.compression.quantization.overrides import unmatched_patterns
from vcc.compression.quantization.settings import (
    QUANTIZERS,
    QuantizerArguments,
    QuantizerSettings,
)
from vcc.compression.schedule.arguments import Arguments
from vcc.compression.schedule.dialect import POLICIES, PolicyArguments
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.schedule import PolicySpec

log = logging.getLogger(__name__)


@POLICIES.register("quantizer")
@dataclass(frozen=True, kw_only=True)
class QuantizationArguments(PolicyArguments):
    """Quantizes the network before the first of its epochs."""

    section = "quantizers"
    parts = QUANTIZERS
    order = 2

    def structural_epochs(self, active: ActiveEpochs) -> tuple[int, ...]:
        return (active.first,)

    def needs_training(self, part: Arguments) -> bool:
        return not (isinstance(part, QuantizerArguments) and part.is_calibrated)

    def policy(
        self, spec: PolicySpec, made: QuantizerArguments, network: BuildContext
    ) -> Policy | None:
        part = network.schedule.component(spec.subject, spec.instance)
        try:
            settings = made.settings(part.class_name)
            unmatched = unmatched_patterns(network.foreseen, settings.overrides)
        except ValueError as error:
            network.problem(part.path, str(error))
            return None
        site = Site(network, part)
        for pattern in unmatched:
            site.problem("overrides", "matches no module of the network", pattern)
        return QuantizationPolicy(
            spec.instance,
            spec.epochs,
            network.model,
            settings,
            example_input=functools.partial(network.example_input, "quantization"),
            calibration=network.calibration,
            guard=_guard(made, site),
        )


def _guard(made: QuantizerArguments, site: Site) -> AccuracyGuard | None:
    budget = made.budget()
    if budget is None:
        return None
    if site.network.measure is None:
        site.problem("guard", "needs to measure: give file_config a measure")
        return None
    return AccuracyGuard(site.network.measure, budget)


class QuantizationPolicy(Policy):
    """Quantizes the network before the first of its epochs, once.

    Quantized values are computed in every forward pass from then on, so nothing goes stale outside
    the active epochs. Parameters that quantizers bring (PACT's clips) join the optimizer as a group
    of their own.

    Args:
        name: instance name.
        active: epochs.
        model: the network.
        settings: of the quantizer.
        example_input: returns a batch that the network accepts.
        calibration: returns calibration batches, for post-training quantization.
        guard: called after calibration, to return layers to float until the loss on dev holds.
    """

    structural = True

    def __init__(
        self,
        name: str,
        active: ActiveEpochs,
        model: nn.Module,
        settings: QuantizerSettings,
        *,
        example_input: Callable[[], Tensor],
        calibration: Calibration | None = None,
        guard: AccuracyGuard | None = None,
    ) -> None:
        super().__init__(name, active)
        self.model, self.settings = model, settings
        self.example_input, self.calibration, self.guard = example_input, calibration, guard
        self.statistics: Mapping[str, Any] = {}
        self.guarded: GuardReport | None = None
        self._done = False

    def restructure(self, context: StepContext) -> None:
        if self._done:
            return
        self._done = True
        context.store.make_permanent()
        before = list(context.model.parameters())
        insert_quantizers(context.model, self.settings, self.example_input())
        if self.settings.method.is_calibrated:
            self.statistics = calibrate(context.model, self.settings, self.calibration)
            floats = self._mend(context.model)
            if self.guard is not None:
                self.guarded = self.guard(context.model, floats)
                log.info("%s", self.guarded.sentence())
        context.store.refresh()
        if context.optimizer is not None:
            renew_parameters(context.optimizer, context.model, before)
            group_clips(context.optimizer, context.model, self._clip_decay)

    def _mend(self, model: nn.Module) -> FloatParameters | None:
        options = self.settings.options
        rounding, biases = options.get("rounding", NEAREST), options.get("bias_correction", False)
        if rounding == NEAREST and not biases:
            return None
        mended = mend_(model, self.calibration, rounding=rounding, bias_correction=biases)
        log.info("%s", mended.sentence())
        return mended.floats

    def attach(self, optimizer: Optimizer) -> None:
        group_clips(optimizer, self.model, self._clip_decay)

    def state_dict(self) -> dict[str, Any]:
        return {
            "done": self._done,
            "statistics": {name: asdict(item) for name, item in self.statistics.items()},
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._done = saved["done"]
        self.statistics = {
            name: ActivationStats(**{**item, "counts": tuple(item["counts"])})
            for name, item in saved["statistics"].items()
        }

    @property
    def _clip_decay(self) -> float | None:
        decay = self.settings.options.get("act_clip_decay")
        return None if decay is None else float(decay)


def renew_parameters(
    optimizer: Optimizer, model: nn.Module, before: Sequence[nn.Parameter]
) -> None:
    """Make an optimizer in use hold what a new one for the network would hold, in that order.

    Parameters that left (of folded BatchNorms) are dropped with their state; those that came (of
    biases that folding made) join the first group.

    Args:
        optimizer: in use.
        model: the network, as it is now.
        before: its parameters of then.
    """
    now = {id(parameter): number for number, parameter in enumerate(model.parameters())}
    left = [parameter for parameter in before if id(parameter) not in now]
    held = {id(each) for group in optimizer.param_groups for each in group["params"]}
    came = [each for each in model.parameters() if id(each) not in held and each.requires_grad]
    for group in optimizer.param_groups:
        gone = {id(parameter) for parameter in left}
        group["params"] = [each for each in group["params"] if id(each) not in gone]
    first = optimizer.param_groups[0]
    last = len(now)
    first["params"] = sorted([*first["params"], *came], key=lambda each: now.get(id(each), last))
    for parameter in left:
        optimizer.state.pop(parameter, None)


def group_clips(optimizer: Optimizer, model: nn.Module, decay: float | None) -> None:
    """Give the learned clips of a network (PACT's) a parameter group of their own.

    Clips that the optimizer does not know yet join it; those that it holds among the weights move.

    Args:
        optimizer: new, or in use.
        model: the network.
        decay: weight decay of the clips; None leaves the first group's.
    """
    clips = [parameter for name, parameter in model.named_parameters() if "clip_val" in name]
    ids = {id(clip) for clip in clips}
    groups = optimizer.param_groups
    if not clips or any(ids == {id(each) for each in group["params"]} for group in groups):
        return
    for group in groups:
        group["params"] = [each for each in group["params"] if id(each) not in ids]
    settings = {key: value for key, value in groups[0].items() if key != "params"}
    if decay is not None:
        settings["weight_decay"] = decay
    optimizer.add_param_group({**settings, "params": clips})
