"""BatchNorm folded into the convolution in front of it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd


def fold_batchnorms(model: nn.Module, followers: Mapping[str, str]) -> list[str]:
    """Fold, in place, each BatchNorm into its convolution, and put an identity in its place.

    w' = w * gamma / sqrt(var + eps); b' = beta + (b - mean) * gamma / sqrt(var + eps).

    Args:
        model: the network; in evaluation mode it computes what it did.
        followers: convolution name -> BatchNorm name, from `following_batchnorms`.

    Returns:
        The names of the BatchNorms that are gone.
    """
    folded = []
    for conv_name, bn_name in followers.items():
        conv, batchnorm = model.get_submodule(conv_name), model.get_submodule(bn_name)
        if not isinstance(conv, _ConvNd) or not isinstance(batchnorm, _BatchNorm):
            continue
        if batchnorm.running_var is None or batchnorm.running_mean is None:
            continue
        _fold(conv, batchnorm)
        model.set_submodule(bn_name, nn.Identity())
        folded.append(bn_name)
    return folded


@torch.no_grad()
def _fold(conv: _ConvNd, batchnorm: _BatchNorm) -> None:
    var, mean = batchnorm.running_var, batchnorm.running_mean
    if var is None or mean is None:
        return
    scale = (var + batchnorm.eps).rsqrt()
    shift = torch.zeros_like(mean)
    if batchnorm.affine:
        scale = scale * batchnorm.weight
        shift = batchnorm.bias
    bias = torch.zeros_like(mean) if conv.bias is None else conv.bias
    conv.weight.mul_(scale.reshape(-1, *[1] * (conv.weight.dim() - 1)))
    folded = shift + (bias - mean) * scale
    if conv.bias is None:
        conv.bias = nn.Parameter(folded)
    else:
        conv.bias.copy_(folded)
