"""Which BatchNorm reads which layer's output: one forward pass with hooks, no graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.utils.hooks import RemovableHandle


def following_batchnorms(model: nn.Module, example_input: Tensor) -> dict[str, str]:
    """Return layer name -> name of the BatchNorm that takes its output as it is.

    Layers are convolutions, and linear ones whose output [N,C] has no further dimension.

    Args:
        model: any network; its mode and buffers stay as they are.
        example_input: a batch that it accepts.
    """
    watch = _OutputWatch()
    handles = watch.install(model)
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            model(example_input)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    return watch.found


class _OutputWatch:
    """Remembers layers' outputs and which BatchNorm takes one."""

    def __init__(self) -> None:
        # the tensors are kept so that their ids are not used again
        self.produced: dict[int, tuple[str, Tensor]] = {}
        self.found: dict[str, str] = {}

    def install(self, model: nn.Module) -> list[RemovableHandle]:
        handles = []
        for name, module in model.named_modules():
            if isinstance(module, _ConvNd | nn.Linear):
                handles.append(module.register_forward_hook(self._remember(name)))
            elif isinstance(module, _BatchNorm):
                handles.append(module.register_forward_pre_hook(self._look(name)))
        return handles

    def _remember(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            # A BatchNorm behind [N,L,C] of a linear layer normalises L, not its rows.
            if isinstance(module, _ConvNd) or output.dim() == 2:
                self.produced[id(output)] = (name, output)

        return hook

    def _look(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any) -> None:
            if id(args[0]) in self.produced:
                self.found[self.produced[id(args[0])][0]] = name

        return hook


def batchnorm_folded(weight: Tensor, batchnorm: _BatchNorm) -> Tensor:
    """Return a weight [out, ...] with each filter scaled by gamma / sqrt(running_var + eps)."""
    if batchnorm.running_var is None:
        return weight
    scale = (batchnorm.running_var + batchnorm.eps).rsqrt()
    if batchnorm.affine:
        scale = scale * batchnorm.weight.detach()
    return weight * scale.reshape(-1, *[1] * (weight.dim() - 1))
