"""Which layers a form can take the place of, and why the others are left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from vcc.compression.channels.batchnorms import computes_as
from vcc.models.decomposed import (
    FORMS,
    LOW_RANK,
    SPATIAL_TEMPORAL,
    replace_module,
    undecomposed,
)
from vcc.models.kernels import can_shrink

# Ranks depend on weights, names do not.
_FORESEEN_RANK = 2


def eligible_layers(
    model: nn.Module, weights: Iterable[str], form: str
) -> tuple[dict[str, nn.Conv3d | nn.Linear], dict[str, str]]:
    """Return the layers that can take a form, by name, and name -> why not of the others.

    Only what a layer is decides, not what it costs or holds: the names that a network has
    afterwards are known before.

    Args:
        model: the network.
        weights: parameter names; vectors (biases, BatchNorms) are passed over.
        form: see `vcc.models.decomposed`.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    owners = Counter(id(parameter) for parameter in _owned(model))
    head = getattr(model, "head_name", None)
    fit: dict[str, nn.Conv3d | nn.Linear] = {}
    left: dict[str, str] = {}
    for weight in weights:
        name, _, attribute = weight.rpartition(".")
        if parameters[weight].dim() < 2:
            continue
        layer = model.get_submodule(name)
        why = _obstacle(layer, attribute, form)
        if not why and name == head:
            why = "it is the classifier, which is looked up by its name"
        if not why and owners[id(parameters[weight])] > 1:
            why = "its weight is another layer's too"
        if not why and isinstance(layer, nn.Conv3d | nn.Linear):
            fit[name] = layer
        else:
            left[name or weight] = why
    return fit, left


def foresee_(model: nn.Module, weights: Iterable[str], form: str) -> None:
    """Give a copy of a network the modules that `decompose_` would, of some rank, in place."""
    fit, _ = eligible_layers(model, weights, form)
    for layer in fit.values():
        replace_module(model, layer, undecomposed(layer, form, (_FORESEEN_RANK,) * FORMS[form]))


def _owned(model: nn.Module) -> Iterable[Tensor]:
    for module in model.modules():
        yield from module.parameters(recurse=False)


def _obstacle(layer: nn.Module, attribute: str, form: str) -> str:
    """Return why a layer cannot take a form, "" where it can."""
    kind = type(layer).__name__
    if attribute != "weight" or not isinstance(layer, _ConvNd | nn.Linear):
        return f"a parameter of a {kind} is no layer's weight"
    if not computes_as(layer, nn.Conv3d) and not computes_as(layer, nn.Linear):
        return f"a {kind} is no plain Conv3d or Linear"
    if isinstance(layer, nn.Linear):
        return "" if form == LOW_RANK else "a linear layer has no kernel"
    if layer.groups == layer.in_channels > 1:
        return "depthwise: each filter reads one channel"
    if layer.groups > 1:
        return f"grouped ({layer.groups} groups)"
    if not can_shrink(layer):
        return f"its padding {layer.padding!r} ({layer.padding_mode}) has no fixed number of zeros"
    return _kernel_obstacle(layer.kernel_size, form)


def _kernel_obstacle(kernel: tuple[int, ...], form: str) -> str:
    time, *space = kernel
    size = "x".join(map(str, kernel))
    if form == SPATIAL_TEMPORAL and (time == 1 or max(space) == 1):
        return f"its kernel {size} does not reach over both space and time"
    if form not in (SPATIAL_TEMPORAL, LOW_RANK) and max(kernel) == 1:
        return f"its kernel is {size}: use the low-rank form"
    return ""
