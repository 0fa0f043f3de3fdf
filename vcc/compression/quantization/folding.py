"""BatchNorm folded into the convolution or linear layer in front of it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd


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
