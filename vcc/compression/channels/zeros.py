"""Which layers read zeros because of masked filters, found by running the network.

No list of operations says what keeps a zero: `1 - x` does not, the product with a gate does even
where the gate is one. So a copy of the network runs with random numbers for its parameters, zero
only where a masked filter is zero with its bias and its BatchNorm, and each layer's input is looked
at. What is zero then is zero for that reason alone: no weight is small by chance, and in one of
the runs all numbers are positive, so that no ReLU cuts a channel off.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.unchanged import random_like
from vcc.errors import one_line
from vcc.models.modes import evaluating
from vcc.models.norms import NORMS_OVER_CHANNELS, channel_dim
from vcc.models.quantized.plan import quantizers_by_layer, set_quantizers

# A reader of channels -> which of its input channels are zero, bool [channels].
ZerosRead = Mapping[str, Tensor]

_Draw = Callable[[Tensor], Tensor]
_RUNS = 2


def zeros_read(
    model: nn.Module, filters: Mapping[str, Tensor], example_input: Tensor
) -> dict[str, Tensor]:
    """Return layer name -> which of its input channels are zero as long as filters are masked.

    Layers are convolutions, linear layers (by feature of their last dimension) and normalisations
    over several channels; those that do not run are left out. Nothing is run, and nothing
    returned, where no filter is masked.

    Args:
        model: the network; it stays as it is.
        filters: layer name -> which of its filters are masked, bool [out_channels]. A bias or a
            BatchNorm that does not go with them shows as channels that are not zero.
        example_input: a batch that it accepts; of it only shape, type and device count.

    Raises:
        UntraceableError: the network does not run with random parameters.
    """
    alive: dict[str, Tensor] = {}
    if not any(bool(masked.any()) for masked in filters.values()):
        return alive
    twin = _unwatched_copy(model)
    for name, module in twin.named_modules():
        dim = input_dim(module)
        if dim is not None:
            module.register_forward_pre_hook(_look(alive, name, dim), with_kwargs=True)
    clip = random_like(example_input)
    given = {name: tensor.clone() for name, tensor in twin.state_dict().items()}
    with evaluating(twin), torch.no_grad(), torch.random.fork_rng(devices=_devices(clip)):
        for run in range(_RUNS):
            torch.manual_seed(run)
            positive = run == 0
            twin.load_state_dict(given)
            _fill_(twin, filters, _positive if positive else _signed)
            _run(twin, clip.abs() if positive and clip.is_floating_point() else clip.clone())
    return {name: ~some for name, some in alive.items()}


def _run(twin: nn.Module, clip: Tensor) -> None:
    try:
        twin(clip)
    except Exception as error:
        # Whatever a network checks or inverts, these numbers are not those it was made for.
        msg = f"it does not run with random parameters ({one_line(error, at_most=200)})"
        raise UntraceableError(msg) from error


def _unwatched_copy(model: nn.Module) -> nn.Module:
    twin = copy.deepcopy(model)
    for module in twin.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    for name in quantizers_by_layer(twin):
        set_quantizers(twin, name, None)  # they round to zero
    return twin


def _devices(clip: Tensor) -> list[torch.device]:
    return [clip.device] if clip.device.type == "cuda" else []


def input_dim(module: nn.Module) -> int | None:
    """Return which dimension of a layer's input are its channels, None for other layers."""
    if isinstance(module, nn.Linear):
        return -1
    if isinstance(module, _ConvNd):
        return -1 - len(module.kernel_size)
    return channel_dim(module)


def _look(alive: dict[str, Tensor], name: str, dim: int) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        (x, *_) = (*args, *kwargs.values())
        some = (x != 0).movedim(dim, 0).flatten(1).any(dim=1).cpu()
        alive[name] = some | alive[name] if name in alive else some

    return hook


def _fill_(model: nn.Module, filters: Mapping[str, Tensor], draw: _Draw) -> None:
    """Give every parameter new numbers, in place; zero stay only what masked filters need."""
    for name, module in model.named_modules():
        if isinstance(module, _ConvNd | nn.Linear):
            _fill_maker_(module, filters.get(name), draw)
        elif isinstance(module, _NormBase):
            _fill_norm_(module, draw)
        elif isinstance(module, NORMS_OVER_CHANNELS):
            for parameter in module.parameters(recurse=False):
                _refill_(parameter, draw)
        else:
            for parameter in module.parameters(recurse=False):
                _fill_zeros_(parameter, draw)


def _fill_maker_(module: nn.Module, masked: Tensor | None, draw: _Draw) -> None:
    weight, bias = (module._parameters.get(name) for name in ("weight", "bias"))
    if weight is not None:
        # Small enough that outputs stay of order one, layer after layer.
        per_filter = max(1, weight[0].numel())
        weight.copy_(draw(weight).div_(per_filter if draw is _positive else per_filter**0.5))
        if masked is not None:
            weight[masked.to(weight.device)] = 0
    if bias is not None:
        _refill_(bias, draw)


def _fill_norm_(module: _NormBase, draw: _Draw) -> None:
    """Let zeros pass where weight and bias are zero, as they are behind a masked filter.

    Such a BatchNorm makes zeros of anything: here of zeros alone, so that it hides no filter that
    is not masked.
    """
    mean, passes = module.running_mean, _passes(module)
    if module.weight is not None:
        module.weight.copy_(draw(module.weight))
    if module.bias is not None:
        module.bias.copy_(draw(module.bias).where(~passes, 0))
    if mean is not None and module.running_var is not None:
        # Below zero, so that what is positive stays so.
        mean.copy_(-draw(mean).where(~passes, 0))
        module.running_var.fill_(1)


def _passes(module: _NormBase) -> Tensor:
    """Return which channels of zeros stay zeros; not by chance, where a mean happens to be zero."""
    weight, bias = module.weight, module.bias
    if module.running_mean is None:
        return torch.ones(1, dtype=torch.bool) if bias is None else bias == 0
    if not module.affine:
        return torch.zeros_like(module.running_mean, dtype=torch.bool)
    return weight == 0 if bias is None else (weight == 0) & (bias == 0)


def _refill_(parameter: Tensor, draw: _Draw) -> None:
    """Draw anew what is not zero."""
    parameter.copy_(draw(parameter).where(parameter != 0, 0))


def _fill_zeros_(parameter: Tensor, draw: _Draw) -> None:
    """Draw what is zero: a factor that is zero by chance hides what it multiplies."""
    if parameter.is_floating_point():
        parameter.copy_(parameter.where(parameter != 0, draw(parameter)))


def _positive(like: Tensor) -> Tensor:
    return torch.empty_like(like).uniform_(0.5, 1.5)


def _signed(like: Tensor) -> Tensor:
    drawn = torch.empty_like(like).uniform_(-1, 1)
    return drawn.abs().add_(0.5).copysign_(drawn)
