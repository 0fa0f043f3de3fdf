"""Where activation quantizers stand: inputs of layers, and both inputs of sums and concatenations.

One forward pass shows which tensors are added or concatenated and who made them. A tensor that
comes straight out of a convolution (or the identity that its folded BatchNorm left) is quantized at
that convolution's output; one that is the input of a block (the identity shortcut) is quantized
where the block begins, for the block's first layer too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from vcc.models.modes import evaluating
from vcc.models.quantized.plan import QUANTIZABLE

_JOINS = {
    torch.add,
    Tensor.add,
    Tensor.add_,
    Tensor.__add__,
    Tensor.__iadd__,
    Tensor.__radd__,
    torch.cat,
    torch.concat,
}


@dataclass
class Placement:
    """Names of modules, in the order in which they run.

    Args:
        inputs: layers whose input is quantized by themselves; the others read what is already.
        outputs: layers whose output is quantized, since it is added or concatenated.
        entries: blocks whose input is quantized where they begin.
        calls: how often each layer ran as a module.
        signed: layers of `inputs` that read another layer's output with nothing in between.
    """

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    entries: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)


def place_quantizers(model: nn.Module, example_input: Tensor) -> Placement:
    """Return where a network's activations are quantized.

    Args:
        model: the network, BatchNorms folded; its mode stays as it is.
        example_input: a batch that it accepts.
    """
    watch = _Watch()
    handles = watch.install(model)
    try:
        with evaluating(model), torch.no_grad(), watch:
            model(example_input)
    finally:
        for handle in handles:
            handle.remove()
    return watch.placement()


Key = tuple[int, int]


class _Watch(TorchFunctionMode):
    """Records who reads and makes which tensor, and which tensors are joined where."""

    def __init__(self) -> None:
        super().__init__()
        # kept so that no id is used again during the pass
        self.kept: list[Tensor] = []
        self.made_by: dict[Key, str] = {}
        self.read_by: dict[str, Key] = {}
        # the blocks that are running, with their inputs
        self.running: list[tuple[str, Key]] = []
        self.calls: Counter[str] = Counter()
        self.entered: Counter[str] = Counter()
        self.joined: dict[Key, str | None] = {}

    def install(self, model: nn.Module) -> list[RemovableHandle]:
        handles = []
        for name, module in model.named_modules():
            if isinstance(module, QUANTIZABLE):
                handles.append(module.register_forward_pre_hook(self._reads(name)))
                handles.append(module.register_forward_hook(self._makes(name)))
            elif isinstance(module, nn.Identity):
                handles.append(module.register_forward_hook(self._passes()))
            # A sequence calls all that it holds, and so would call its quantizer as one more layer.
            elif not isinstance(module, nn.Sequential) and any(True for _ in module.children()):
                handles.append(module.register_forward_pre_hook(self._enters(name)))
                handles.append(module.register_forward_hook(self._leaves()))
        return handles

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _JOINS:
            for tensor in _tensors(args):
                key = self._key(tensor)
                block = next((n for n, entered in reversed(self.running) if entered == key), None)
                self.joined.setdefault(key, block)
        return func(*args, **(kwargs or {}))

    def placement(self) -> Placement:
        found = Placement()
        quantized: set[Key] = set()
        for key, block in self.joined.items():
            if key in self.made_by:
                found.outputs.append(self.made_by[key])
                quantized.add(key)
            # what a block that runs again reads then may be quantized already
            elif block and self.entered[block] == 1:
                found.entries.append(block)
                quantized.add(key)
        found.inputs = [name for name, key in self.read_by.items() if key not in quantized]
        found.calls = self.calls
        found.signed = [name for name in found.inputs if self.read_by[name] in self.made_by]
        return found

    def _key(self, tensor: Tensor) -> Key:
        # an in-place operation makes another tensor of it, with the same id
        self.kept.append(tensor)
        return id(tensor), tensor._version

    def _reads(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any) -> None:
            # given by keyword it cannot be quantized: then it counts as not run
            if args:
                self.calls[name] += 1
                self.read_by[name] = self._key(args[0])

        return hook

    def _makes(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            self.made_by[self._key(output)] = name

        return hook

    def _passes(self) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> None:
            maker = self.made_by.get(self._key(args[0])) if args else None
            if maker is not None:
                self.made_by[self._key(output)] = maker

        return hook

    def _enters(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any) -> None:
            tensor = args[0] if args and isinstance(args[0], Tensor) else torch.zeros(0)
            self.entered[name] += 1
            self.running.append((name, self._key(tensor)))

        return hook

    def _leaves(self) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            self.running.pop()

        return hook


def _tensors(args: Iterable[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for item in args:
        if isinstance(item, Tensor) and item.dim() > 1:
            found.append(item)
        elif isinstance(item, list | tuple):
            found += _tensors(item)
    return found
