"""Slicing a network, and the state of its optimizer, to the channels and slices that stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd
from torch.optim import Optimizer

from vcc.compression.channels.grouped import input_indices, is_grouped
from vcc.models.builders.bare import remember_shapes
from vcc.models.decomposed import replace_module
from vcc.models.kernels import shrink_kernel
from vcc.models.layers import ChannelPad, ChannelPart, ChannelShuffle, is_depthwise
from vcc.models.norms import NORMS_OVER_CHANNELS, thinned_norm


@dataclass(frozen=True)
class LayerCut:
    """The channels of a layer that stay, and the positions in time of its kernel.

    Attributes:
        outputs: of its output, ascending; None: all.
        inputs: of its input, ascending; None: all.
        slices: of a 3-D convolution's kernel, neighbours, ascending; None: all.
        along: of a parameter that is of no layer, the dimension that `outputs` are of.
    """

    outputs: Tensor | None = None
    inputs: Tensor | None = None
    slices: Tensor | None = None
    along: int | None = None


def slice_tensor(tensor: Tensor, kept: Mapping[int, Tensor]) -> Tensor:
    """Return `tensor` with only the kept indices; a dimension of size 1 (broadcast) stays."""
    for dim, indices in sorted(kept.items()):
        if tensor.shape[dim] == 1:
            continue
        indices = indices.to(tensor.device)
        if indices.dim() == 1:
            tensor = tensor.index_select(dim, indices)
        else:
            filters = tensor.chunk(len(indices))
            rows = zip(filters, indices, strict=True)
            tensor = torch.cat([part.index_select(dim, row) for part, row in rows])
    return tensor


def kept_indices(model: nn.Module, cuts: Mapping[str, LayerCut]) -> dict[str, dict[int, Tensor]]:
    """Return the indices that stay of each parameter and buffer that is cut, by dimension.

    For the columns of a grouped convolution's filters they are [groups, kept], since each of its
    groups keeps others.
    """
    kept: dict[str, dict[int, Tensor]] = {}
    for layer, cut in cuts.items():
        if cut.along is not None and cut.outputs is not None:
            kept[layer] = {cut.along: cut.outputs}
            continue
        module = model.get_submodule(layer)
        for name, tensor in (
            *module.named_parameters(recurse=False),
            *module.named_buffers(recurse=False),
        ):
            indices = _tensor_cut(module, tensor, cut)
            if indices:
                kept[f"{layer}.{name}" if layer else name] = indices
    return kept


def apply_cuts_(
    model: nn.Module, cuts: Mapping[str, LayerCut], optimizer: Optimizer | None = None
) -> dict[str, dict[int, Tensor]]:
    """Cut layers in place.

    Each changed parameter becomes a new object: autograd's accumulators remember the old shape
    as long as anyone holds an old loss. The optimizer's groups and state move to the new ones;
    state of the parameter's shape (momentum, Adam's moments) is sliced with it.

    Returns:
        Parameter or buffer name to the indices that stayed, by dimension.
    """
    kept = kept_indices(model, cuts)
    remember_shapes(model, [name for name, cut in cuts.items() if cut.along is not None])
    for name, indices in kept.items():
        layer, _, attribute = name.rpartition(".")
        module = model.get_submodule(layer)
        old = getattr(module, attribute)
        if isinstance(old, nn.Parameter):
            new = _sliced_parameter(old, indices)
            setattr(module, attribute, new)
            if optimizer is not None:
                _move_state(optimizer, old, new, indices)
        else:
            setattr(module, attribute, slice_tensor(old, indices))
    for layer, cut in cuts.items():
        if cut.along is not None:
            continue
        module = model.get_submodule(layer)
        if isinstance(module, NORMS_OVER_CHANNELS) and cut.outputs is not None:
            replace_module(model, module, thinned_norm(module, cut.outputs))
            continue
        _set_channels(module, cut)
        if cut.slices is not None and isinstance(module, _ConvNd):
            shrink_kernel(module, int(cut.slices[0]), int(cut.slices[-1]) + 1)
    return kept


def _tensor_cut(module: nn.Module, tensor: Tensor, cut: LayerCut) -> dict[int, Tensor]:
    """Return the kept indices of one of a layer's tensors, by dimension."""
    if tensor.dim() == 0:
        return {}
    indices = {} if cut.outputs is None else {0: cut.outputs}
    mixes = isinstance(module, _ConvNd | nn.Linear) and not is_depthwise(module)
    if mixes and tensor.dim() > 1 and cut.inputs is not None:
        inputs = cut.inputs
        indices[1] = input_indices(module, inputs) if is_grouped(module) else inputs
    if cut.slices is not None and tensor.dim() == 5:
        indices[2] = cut.slices
    return indices


def _sliced_parameter(old: nn.Parameter, indices: Mapping[int, Tensor]) -> nn.Parameter:
    new = nn.Parameter(slice_tensor(old.detach(), indices), requires_grad=old.requires_grad)
    if old.grad is not None:
        new.grad = slice_tensor(old.grad, indices)
    return new


def _move_state(
    optimizer: Optimizer, old: nn.Parameter, new: nn.Parameter, indices: Mapping[int, Tensor]
) -> None:
    for group in optimizer.param_groups:
        group["params"] = [new if parameter is old else parameter for parameter in group["params"]]
    if old in optimizer.state:
        optimizer.state[new] = {
            key: slice_tensor(value, indices)
            if isinstance(value, Tensor) and value.shape == old.shape
            else value
            for key, value in optimizer.state.pop(old).items()
        }


def _set_channels(module: nn.Module, cut: LayerCut) -> None:
    """Make a layer's attributes agree with its tensors."""
    if isinstance(module, _ConvNd):
        if is_depthwise(module) and cut.outputs is not None:
            module.in_channels = module.out_channels = module.groups = len(cut.outputs)
            return
        module.out_channels = module.weight.shape[0]
        module.in_channels = module.weight.shape[1] * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, _NormBase) and cut.outputs is not None:
        module.num_features = len(cut.outputs)
    elif isinstance(module, nn.PReLU) and cut.outputs is not None:
        module.num_parameters = len(cut.outputs)
    elif isinstance(module, ChannelPad) and cut.outputs is not None:
        module.n_in = int(torch.count_nonzero(cut.outputs < module.n_in))
        module.n_out = len(cut.outputs)
    elif isinstance(module, ChannelPart) and cut.outputs is not None:
        module.n_out = len(cut.outputs)
    elif isinstance(module, ChannelShuffle) and cut.outputs is not None:
        sources = [module.order[output] for output in cut.outputs.tolist()]
        number = {channel: new for new, channel in enumerate(sorted(sources))}
        module.set_order([number[channel] for channel in sources])
