"""The thinning policy (FilterRemover and its aliases): removes masked channels from the network."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vcc.compression.binding import BuildContext
from vcc.compression.channels.dead import (
    masks_of_dead_channels,
    masks_of_zeros,
    zero_filters_,
)
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.policies.extensions import EXTENSIONS, ExtensionArguments
from vcc.compression.schedule.arguments import argument
from vcc.compression.schedule.epochs import ActiveEpochs
from vcc.compression.schedule.fields import anything, choice, optional
from vcc.compression.schedule.schedule import PolicySpec
from vcc.compression.thinning.remove import thin_

log = logging.getLogger(__name__)

_FILTERS = "remove_filters"
# what removes channels: vcc.compression.thinning.remove.thin_
Thin = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class _Thinner(ExtensionArguments):
    thinning_func_str: str = argument(
        choice(_FILTERS, "remove_channels", "contract_model"),
        _FILTERS,
        "remove_filters; or remove_channels or contract_model: channels that no layer reads leave "
        "too",
    )
    arch: Any = argument(optional(anything), None, "not read: the structure comes from the network")
    dataset: Any = argument(
        optional(anything), None, "not read: the example input comes from the caller"
    )

    def policy(self, spec: PolicySpec, network: BuildContext) -> Policy:
        return ThinningPolicy(
            spec.instance,
            spec.epochs,
            thin=functools.partial(thin_, round_to=network.round_to),
            example_input=network.example_input(f"the extension {spec.instance}"),
            channels=self.thinning_func_str != _FILTERS,
        )


@EXTENSIONS.register("FilterRemover")
class FilterRemover(_Thinner):
    """Removes masked channels from the network at the policy's epochs."""


@EXTENSIONS.register("ChannelRemover")
class ChannelRemover(_Thinner):
    """Another name of `FilterRemover`."""


@EXTENSIONS.register("StructureRemover")
class StructureRemover(_Thinner):
    """Another name of `FilterRemover`."""


class ThinningPolicy(Policy):
    """Removes every channel whose whole group is masked, from network, masks and optimizer state.

    With `mask_coupled` nothing changes but the shapes. Without it this does what Distiller's does:
    filters whose weights are zero leave, and with them what their bias and BatchNorm shift still
    contributed.

    Args:
        name: instance name.
        active: epochs before whose first minibatch the network is thinned.
        thin: removes the channels in place and returns a report.
        example_input: [N,C,...] batch that the network accepts.
        channels: also remove filters that nothing reads because the input channels of all their
            readers are zero (`remove_channels`, `contract_model`).
    """

    structural = True

    def __init__(
        self,
        name: str,
        active: ActiveEpochs,
        *,
        thin: Thin,
        example_input: Tensor,
        channels: bool = False,
    ) -> None:
        super().__init__(name, active)
        self.thin, self.example_input, self.channels = thin, example_input, channels
        self.reports: list[Any] = []

    def restructure(self, context: StepContext) -> None:
        store = context.store
        store.make_permanent()
        masks = store.masks
        traced = context.channels or TracedChannels.of(context.model, self.example_input)
        if not store.coupled:
            masks |= masks_of_zeros(context.model, masks)
        if self.channels:
            masks |= masks_of_dead_channels(masks, traced.groups())
        if not store.coupled or self.channels:
            zero_filters_(context.model, masks, traced.groups())
        report = self.thin(
            context.model, masks, self.example_input, optimizer=context.optimizer, channels=traced
        )
        self.reports.append(report)
        store.refresh(report.slice)
        log.info("%s removed %d channels\n%s", self.name, report.removed, report.as_text())
