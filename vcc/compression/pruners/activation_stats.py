"""How active channels are: running statistics of activations, in memory that does not grow.

A ranked pruner that asks for a layer's activation gets it from the module that Distiller's naming
convention says (`.conv` -> `.relu`) or, where there is none such, from the layer's own output (or
its BatchNorm's) with negative values taken as zero, as the ReLU behind it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vcc.compression.schedule.selectors import plain_name


def channel_apoz(activation: Tensor) -> Tensor:
    """Return the average percentage of zeros of each channel, 0..100, of [N,C,...]."""
    zeros = (activation == 0).to(torch.float32)
    return _channel_mean(zeros) * 100


def channel_means(activation: Tensor) -> Tensor:
    """Return the mean of each channel of [N,C,...]."""
    return _channel_mean(activation.to(torch.float32))


def _channel_mean(values: Tensor) -> Tensor:
    others = [dim for dim in range(values.dim()) if dim != 1]
    return values.mean(dim=others)


class ActivationStatistics:
    """Running per-channel means of a statistic over the training batches of an epoch.

    Args:
        model: the network.
        targets: parameter names of convolutions.
        followers: module name of a convolution -> of the BatchNorm that follows, where known.
        statistic: `apoz` or `mean`.
    """

    def __init__(
        self,
        model: nn.Module,
        targets: Iterable[str],
        *,
        followers: Mapping[str, str],
        statistic: str,
    ) -> None:
        self.measure = channel_apoz if statistic == "apoz" else channel_means
        self.sources = {name: activation_source(model, name, followers) for name in targets}
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self._model = model
        self._handles: list[RemovableHandle] = []

    def start(self) -> None:
        """Begin to collect, forgetting what was collected before."""
        self.stop()
        self.sums, self.counts = {}, {}
        modules = dict(self._model.named_modules())
        for name, (module_name, rectify) in self.sources.items():
            hook = self._hook(name, rectify=rectify)
            self._handles.append(modules[module_name].register_forward_hook(hook))

    def stop(self) -> None:
        """Stop collecting; what was collected stays."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def feed(self, name: str, activation: Tensor) -> None:
        """Take one batch of a parameter's activations, [N,C,...]."""
        figures = self.measure(activation.detach())
        self.sums[name] = self.sums[name] + figures if name in self.sums else figures
        self.counts[name] = self.counts.get(name, 0) + 1

    def __call__(self, name: str) -> Tensor | None:
        """Return the mean over the batches so far, or None where there were none."""
        return self.sums[name] / self.counts[name] if name in self.sums else None

    def state_dict(self) -> dict[str, Any]:
        """Return what was collected."""
        return {"sums": dict(self.sums), "counts": dict(self.counts)}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take what `state_dict` returned."""
        self.sums, self.counts = dict(saved["sums"]), dict(saved["counts"])

    def _hook(self, name: str, *, rectify: bool) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            if self._model.training:
                self.feed(name, output.relu() if rectify else output)

        return hook


def activation_source(
    model: nn.Module, name: str, followers: Mapping[str, str]
) -> tuple[str, bool]:
    """Return the module whose output is a weight's activation, and whether to rectify it."""
    layer = name.removesuffix(".weight")
    by_plain_name = {plain_name(module): module for module, _ in model.named_modules()}
    named = re.sub(r"\.conv", ".relu", plain_name(layer))
    if named != plain_name(layer) and named in by_plain_name:
        return by_plain_name[named], False
    return followers.get(layer, layer), True
