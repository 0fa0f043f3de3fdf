"""Architecture as data: the channels that each layer really has, read from or given to a network.

A compressed network differs from the one that its options build: it has fewer channels, shorter
kernels, folded BatchNorms, quantizers. All of that is plain JSON here, so that a checkpoint can be
rebuilt exactly without running anything that the checkpoint brings along. Quantizers and whatever
else replaces modules is a *section*, registered by the module that knows it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from vcc.errors import ModelError, nearest
from vcc.models.kernels import describe_kernel, set_kernel
from vcc.models.layers import ChannelPad, ChannelPart, ChannelShuffle

_ATTRIBUTES: tuple[tuple[type[nn.Module], tuple[str, ...]], ...] = (
    (_ConvNd, ("in_channels", "out_channels", "groups")),
    (_NormBase, ("num_features",)),
    (nn.PReLU, ("num_parameters",)),
    (nn.Linear, ("in_features", "out_features")),
    (ChannelPad, ("n_in", "n_out")),
    (ChannelPart, ("n_out",)),
    (ChannelShuffle, ("n_out", "groups")),
)


@dataclass(frozen=True)
class Section:
    """A part of `arch.json` beside the layers' channels, such as the quantizers' settings.

    Attributes:
        name: its key in `arch.json`.
        describe: returns JSON data for a network, or None where there is nothing to say.
        rebuild: changes a network with its final channels, on the meta device, as the data says.
            Runs before the weights are loaded.
        before_layers: rebuild before the layers get their channels: the section makes layers.
    """

    name: str
    describe: Callable[[nn.Module], Mapping[str, Any] | None]
    rebuild: Callable[[nn.Module, Mapping[str, Any]], None]
    before_layers: bool = False


_SECTIONS: dict[str, Section] = {}

# Who registers a section that a file may have before anyone needed it in this process.
_SECTION_HOMES = {
    "decomposition": "vcc.models.decomposed",
    "norms": "vcc.models.norms",
    "parameters": "vcc.models.builders.bare",
    "quantizers": "vcc.models.quantized.plan",
}


def register_section(section: Section) -> None:
    """Make `section` part of every architecture written and read from now on.

    Raises:
        ValueError: another section has this name.
    """
    if _SECTIONS.get(section.name, section) is not section:
        msg = f"a section {section.name!r} is registered already"
        raise ValueError(msg)
    _SECTIONS[section.name] = section


def describe_layers(model: nn.Module) -> dict[str, dict[str, Any]]:
    """Return module name to its channels and kernel: what thinning and folding can change.

    `bias` is there for convolutions and linear layers; a BatchNorm folded away is an identity. The
    `order` of a shuffle is null as long as it is the plain one of its groups.
    """
    layers: dict[str, dict[str, Any]] = {}
    for name, module in model.named_modules():
        attributes = _attributes(module)
        if attributes:
            layers[name] = {attribute: getattr(module, attribute) for attribute in attributes}
        if isinstance(module, _ConvNd | nn.Linear):
            layers[name]["bias"] = module.bias is not None
        if isinstance(module, _ConvNd):
            layers[name] |= describe_kernel(module)
        if isinstance(module, ChannelShuffle):
            layers[name]["order"] = module.own_order
        if isinstance(module, nn.Identity):
            layers[name] = {"identity": True}
    return layers


def describe_sections(model: nn.Module) -> dict[str, Any]:
    """Return section name to its data, for the sections that have something to say."""
    found = {name: section.describe(model) for name, section in sorted(_SECTIONS.items())}
    return {name: dict(data) for name, data in found.items() if data is not None}


def resize_layers(model: nn.Module, layers: Mapping[str, Mapping[str, Any]]) -> None:
    """Give every layer of a network on the meta device the channels in `layers`.

    Raises:
        ModelError: `layers` names a layer that the network has not, or leaves one out, or holds
            impossible numbers.
    """
    modules = dict(model.named_modules())
    missing = sorted(set(describe_layers(model)) - set(layers))
    for name in (*missing, *layers):
        if name not in modules or name in missing:
            lacking = "the architecture" if name in missing else "the network"
            msg = f"layer {name!r} is not in {lacking}: {nearest(name, modules)}"
            raise ModelError(msg)
    as_built = describe_layers(model)
    for name, values in layers.items():
        if values == as_built.get(name):
            continue
        if values.get("identity"):
            model.set_submodule(name, nn.Identity())
        else:
            _resize(name, modules[name], values)


def rebuild_sections(
    model: nn.Module, sections: Mapping[str, Any], *, before_layers: bool = False
) -> None:
    """Apply the sections of an architecture to a network.

    Args:
        model: on the meta device.
        sections: section name to its data.
        before_layers: apply those that come before `resize_layers`, instead of all others.

    Raises:
        ModelError: a section that nobody registered.
    """
    for name, data in sections.items():
        if name not in _SECTIONS and name in _SECTION_HOMES:
            importlib.import_module(_SECTION_HOMES[name])
        if name not in _SECTIONS:
            msg = f"section {name!r} of the architecture is unknown: {nearest(name, _SECTIONS)}"
            raise ModelError(msg)
        if _SECTIONS[name].before_layers == before_layers:
            _SECTIONS[name].rebuild(model, data)


def unsaved_buffers(model: nn.Module) -> dict[str, Tensor]:
    """Return the buffers by name that a state dict leaves out (`persistent=False`)."""
    saved = model.state_dict(keep_vars=True)
    return {name: buffer for name, buffer in model.named_buffers() if name not in saved}


def set_buffer(model: nn.Module, name: str, buffer: Tensor) -> None:
    """Give a network a buffer that it has, unless its layer is gone."""
    layer, _, own = name.rpartition(".")
    modules = dict(model.named_modules())
    if layer in modules and own in modules[layer]._buffers:
        modules[layer]._buffers[own] = buffer


def empty_parameters(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return parameter and buffer name to the shape that the module's own attributes ask for."""
    if isinstance(module, _ConvNd):
        ends = (module.out_channels, module.in_channels)
        rows, columns = reversed(ends) if module.transposed else ends
        shape = (rows, columns // module.groups, *module.kernel_size)
        return {"weight": shape, "bias": (module.out_channels,)}
    if isinstance(module, nn.Linear):
        return {"weight": (module.out_features, module.in_features), "bias": (module.out_features,)}
    if isinstance(module, _NormBase):
        names = ("weight", "bias", "running_mean", "running_var")
        return dict.fromkeys(names, (module.num_features,))
    if isinstance(module, nn.PReLU):
        return {"weight": (module.num_parameters,)}
    return {}


def _attributes(module: nn.Module) -> tuple[str, ...]:
    for kind, attributes in _ATTRIBUTES:
        if isinstance(module, kind):
            return attributes
    return ()


def _check_keys(name: str, module: nn.Module, values: Mapping[str, Any]) -> None:
    known = {*_attributes(module)}
    if isinstance(module, _ConvNd | nn.Linear):
        known.add("bias")
    if isinstance(module, ChannelShuffle):
        known.add("order")
    # what was written before kernels could be cut says nothing about them
    kernel = {"kernel_size", "padding"} if isinstance(module, _ConvNd) else set()
    if set(values) not in (known, known | kernel):
        msg = f"layer {name!r}: the architecture has {sorted(values)}, needed are {sorted(known)}"
        raise ModelError(msg)


def _resize(name: str, module: nn.Module, values: Mapping[str, Any]) -> None:
    attributes = _attributes(module)
    _check_keys(name, module, values)
    for attribute in attributes:
        value = values[attribute]
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            msg = f"layer {name!r}: {attribute} {value!r} is not a whole number of at least 1"
            raise ModelError(msg)
        setattr(module, attribute, value)
    if isinstance(module, _ConvNd) and "kernel_size" in values:
        try:
            set_kernel(module, values["kernel_size"], values["padding"])
        except ValueError as error:
            msg = f"layer {name!r}: {error}"
            raise ModelError(msg) from error
    if isinstance(module, ChannelShuffle):
        _reorder(name, module, values["order"])
    shapes = empty_parameters(module)
    if values.get("bias") is False:
        module.register_parameter("bias", None)
    elif values.get("bias") is True and getattr(module, "bias", None) is None:
        module.register_parameter("bias", nn.Parameter(torch.empty(0, device="meta")))
    for tensor_name, shape in shapes.items():
        _reshape(module, tensor_name, shape)


def _reorder(name: str, shuffle: ChannelShuffle, order: object) -> None:
    fits = order is not None or shuffle.n_out % shuffle.groups == 0
    if order is not None:
        numbers = list(range(shuffle.n_out))
        whole = isinstance(order, list) and all(type(number) is int for number in order)
        fits = whole and sorted(order) == numbers  # type: ignore[call-overload]
    if not fits:
        msg = f"layer {name!r}: the order does not name each of {shuffle.n_out} channels once"
        raise ModelError(msg)
    shuffle.set_order(order)  # type: ignore[arg-type]


def _reshape(module: nn.Module, name: str, shape: tuple[int, ...]) -> None:
    tensor = getattr(module, name)
    if tensor is None:
        return
    empty = torch.empty(shape, dtype=tensor.dtype, device="meta")
    if isinstance(tensor, nn.Parameter):
        setattr(module, name, nn.Parameter(empty, requires_grad=tensor.requires_grad))
    else:
        setattr(module, name, empty)
