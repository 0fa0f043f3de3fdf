"""BatchNorm folded into the convolution or linear layer in front of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from vcc.compression.unchanged import Computed

log = logging.getLogger(__name__)


def fold_batchnorms_checked(
    model: nn.Module, followers: Mapping[str, str], example_input: Tensor
) -> list[str]:
    """Fold as `fold_batchnorms` does, and undo each fold that changes what the network computes.

    Args:
        model: the network.
        followers: layer name -> BatchNorm name, from `following_batchnorms`.
        example_input: a batch that it accepts.

    Returns:
        The names of the BatchNorms that are gone. A line of the log names each that had to stay.
    """
    before = Computed(model, example_input)
    undo = _remembered(model, followers)
    folded = fold_batchnorms(model, followers)
    if not before.differs(model):
        return folded
    undo()
    folded = []
    for layer, batchnorm in followers.items():
        pair = {layer: batchnorm}
        undo = _remembered(model, pair)
        done = fold_batchnorms(model, pair)
        if words := before.differs(model):
            undo()
            log.warning("%s is not folded into %s: with it, %s", batchnorm, layer, words)
        else:
            folded += done
    return folded


def _remembered(model: nn.Module, followers: Mapping[str, str]) -> Callable[[], None]:
    """Return what puts layers and BatchNorms back to what they are now."""
    layers = [model.get_submodule(name) for name in followers]
    tensors = [
        (layer, layer.get_parameter("weight").detach().clone(), layer.bias) for layer in layers
    ]
    biases = [b.detach().clone() if isinstance(b, Tensor) else None for _, _, b in tensors]
    norms = {name: model.get_submodule(name) for name in followers.values()}

    @torch.no_grad()
    def undo() -> None:
        for (layer, weight, bias), values in zip(tensors, biases, strict=True):
            layer.get_parameter("weight").copy_(weight)
            layer.bias = bias
            if isinstance(bias, Tensor) and values is not None:
                bias.copy_(values)
        for name, norm in norms.items():
            model.set_submodule(name, norm)

    return undo


def fold_batchnorms(model: nn.Module, followers: Mapping[str, str]) -> list[str]:
    """Fold, in place, each BatchNorm into its layer, and put an identity in its place.

    w' = w * gamma / sqrt(var + eps); b' = beta + (b - mean) * gamma / sqrt(var + eps).

    Args:
        model: the network; in evaluation mode it computes what it did.
        followers: layer name -> BatchNorm name, from `following_batchnorms`.

    Returns:
        The names of the BatchNorms that are gone.
    """
    folded = []
    for layer_name, bn_name in followers.items():
        layer, batchnorm = model.get_submodule(layer_name), model.get_submodule(bn_name)
        if not isinstance(layer, _ConvNd | nn.Linear) or not isinstance(batchnorm, _BatchNorm):
            continue
        if batchnorm.running_var is None or batchnorm.running_mean is None:
            continue
        _fold(layer, batchnorm)
        model.set_submodule(bn_name, nn.Identity())
        folded.append(bn_name)
    return folded


@torch.no_grad()
def _fold(layer: _ConvNd | nn.Linear, batchnorm: _BatchNorm) -> None:
    var, mean = batchnorm.running_var, batchnorm.running_mean
    if var is None or mean is None:
        return
    scale = (var + batchnorm.eps).rsqrt()
    shift = torch.zeros_like(mean)
    if batchnorm.affine:
        scale = scale * batchnorm.weight
        shift = batchnorm.bias
    bias = torch.zeros_like(mean) if layer.bias is None else layer.bias
    layer.weight.mul_(scale.reshape(-1, *[1] * (layer.weight.dim() - 1)))
    folded = shift + (bias - mean) * scale
    if layer.bias is None:
        layer.bias = nn.Parameter(folded)
    else:
        layer.bias.copy_(folded)
