"""Which BatchNorm alone reads which layer's output: one forward pass with hooks, no graph."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from torch.utils.hooks import RemovableHandle

from vcc.models.modes import evaluating

_FOLDABLE = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def following_batchnorms(model: nn.Module, example_input: Tensor) -> dict[str, str]:
    """Return layer name -> name of the BatchNorm that takes its output as it is.

    Layers are convolutions, and linear ones whose output [N,C] has no further dimension. A pair is
    one only where the BatchNorm may stand for a factor and a shift of the layer's filters: both
    run once, nothing else reads the layer's output or its weight, and nothing writes to the output
    in between.

    Args:
        model: any network; its mode and buffers stay as they are.
        example_input: a batch that it accepts.
    """
    watch = _OutputWatch(model)
    handles = watch.install(model)
    try:
        with evaluating(model), torch.no_grad(), watch:
            model(example_input)
    finally:
        for handle in handles:
            handle.remove()
    return watch.pairs()


def computes_as(module: nn.Module, base: type[nn.Module]) -> bool:
    """Return whether a module is of a class, or of one that inherits what it computes."""
    methods = ("forward", "_conv_forward", "__call__")
    inherits = all(getattr(type(module), m, None) is getattr(base, m, None) for m in methods)
    return isinstance(module, base) and inherits


class _OutputWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers layers' outputs, who takes one, and how often each tensor is read."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = model
        # the tensors are kept so that their ids are not used again
        self.produced: dict[int, tuple[str, Tensor, int]] = {}
        self.watched = {id(parameter) for parameter in model.parameters()}
        self.reads: Counter[int] = Counter()
        self.calls: Counter[str] = Counter()
        self.found: dict[str, tuple[str, Tensor]] = {}

    def install(self, model: nn.Module) -> list[RemovableHandle]:
        handles = []
        for name, module in model.named_modules():
            if _has_own_filters(module):
                handles.append(module.register_forward_hook(self._remember(name)))
            elif isinstance(module, _BatchNorm):
                handles.append(module.register_forward_pre_hook(self._look(name)))
        return handles

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        for item in tree_iter((args, kwargs or {})):
            if isinstance(item, Tensor) and (id(item) in self.produced or id(item) in self.watched):
                self.reads[id(item)] += 1
        return func(*args, **(kwargs or {}))

    def pairs(self) -> dict[str, str]:
        """Return the layers with the BatchNorms that only they feed, and that only read them."""
        return {
            layer: batchnorm
            for layer, (batchnorm, output) in self.found.items()
            if self.calls[layer] == self.calls[batchnorm] == 1
            and self.reads[id(output)] == 1
            and self.reads[id(self.model.get_submodule(layer).weight)] == 1
        }

    def _remember(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            self.calls[name] += 1
            # A BatchNorm behind [N,L,C] of a linear layer normalises L, not its rows.
            if isinstance(module, _ConvNd) or output.dim() == 2:
                self.produced[id(output)] = (name, output, output._version)

        return hook

    def _look(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any) -> None:
            self.calls[name] += 1
            made = self.produced.get(id(args[0])) if args else None
            if made is not None and made[2] == args[0]._version:
                self.found[made[0]] = (name, made[1])

        return hook


def _has_own_filters(module: nn.Module) -> bool:
    """Return whether a layer's first dimension of weights is its filters, and they are its own."""
    if not any(computes_as(module, base) for base in _FOLDABLE):
        return False
    # A weight that is computed (weight norm) is no parameter.
    return "weight" in module._parameters


def batchnorm_folded(weight: Tensor, batchnorm: _BatchNorm) -> Tensor:
    """Return a weight [out, ...] with each filter scaled by gamma / sqrt(running_var + eps)."""
    if batchnorm.running_var is None:
        return weight
    scale = (batchnorm.running_var + batchnorm.eps).rsqrt()
    if batchnorm.affine:
        scale = scale * batchnorm.weight.detach()
    return weight * scale.reshape(-1, *[1] * (weight.dim() - 1))
