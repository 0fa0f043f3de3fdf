"""The quantization policy: inserts quantizers before its first epoch; they do the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.epochs import ActiveEpochs
from vcc.compression.policies.base import Moment, Policy
from vcc.compression.quantization.guard import AccuracyGuard, GuardReport
from vcc.compression.quantization.insertion import Calibration, calibrate, insert_quantizers
from vcc.compression.quantization.settings import QuantizerSettings

log = logging.getLogger(__name__)


class QuantizationPolicy(Policy):
    """Quantizes the network before the first of its epochs, once.

    Quantized values are computed in every forward pass from then on, so nothing goes stale outside
    the active epochs. Parameters that quantizers bring (PACT's clips) join the optimizer as a group
    of their own.

    Args:
        name: instance name.
        active: epochs.
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
        settings: QuantizerSettings,
        *,
        example_input: Callable[[], Tensor],
        calibration: Calibration | None = None,
        guard: AccuracyGuard | None = None,
    ) -> None:
        super().__init__(name, active)
        self.settings = settings
        self.example_input, self.calibration, self.guard = example_input, calibration, guard
        self.statistics: Mapping[str, Any] = {}
        self.guarded: GuardReport | None = None
        self._done = False

    def restructure(self, moment: Moment) -> None:
        if self._done:
            return
        self._done = True
        moment.store.make_permanent()
        known = {id(parameter) for parameter in moment.model.parameters()}
        insert_quantizers(moment.model, self.settings, self.example_input())
        if self.settings.class_name == "PostTrainLinearQuantizer":
            self.statistics = calibrate(moment.model, self.settings, self.calibration)
            if self.guard is not None:
                self.guarded = self.guard(moment.model)
                log.info("%s", self.guarded.sentence())
        moment.store.refresh()
        if moment.optimizer is not None:
            self._extend(moment.optimizer, moment.model, known)

    def state_dict(self) -> dict[str, Any]:
        return {"done": self._done}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._done = saved["done"]

    def _extend(self, optimizer: Optimizer, model: nn.Module, known: set[int]) -> None:
        """Add the parameters that are new to an optimizer that is in use."""
        new = [parameter for parameter in model.parameters() if id(parameter) not in known]
        if not new:
            return
        clips = [parameter for name, parameter in model.named_parameters() if "clip_val" in name]
        group: dict[str, Any] = {"params": new}
        decay = self.settings.options.get("act_clip_decay")
        if decay is not None and len(clips) == len(new):
            group["weight_decay"] = decay
        initial = optimizer.param_groups[0].get("initial_lr")
        if initial is not None:
            group |= {"initial_lr": initial, "lr": optimizer.param_groups[0]["lr"]}
        optimizer.add_param_group(group)
