"""Tiny networks of every family, masked at random, for structural tests."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.channels.filters import filters_kept
from vcc.compression.channels.graph import coupled_parameters
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.channels.weakest import weakest_channels
from vcc.models.catalog import build_model
from vcc.models.network import VideoNetwork

# Every kind of structure: basic and bottleneck blocks, both shortcuts, depthwise convolutions of
# all families, grouped ones (of one channel a group, of two, of four), hidden linear layers,
# concatenations, a convolution that classifies, shuffles and splits, norms in front of
# convolutions, squeeze-excitation.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet10a": ("resnet", {"model_depth": 10, "resnet_shortcut": "A"}),
    "resnet18b": ("resnet", {"model_depth": 18, "resnet_shortcut": "B"}),
    "resnet50a": ("resnet", {"model_depth": 50, "resnet_shortcut": "A"}),
    "resnet50b": ("resnet", {"model_depth": 50, "resnet_shortcut": "B"}),
    "mobilenetv2": ("mobilenetv2", {}),
    "mobilenet": ("mobilenet", {}),
    "resnext50a": (
        "resnext",
        {"model_depth": 50, "resnet_shortcut": "A", "resnext_cardinality": 4},
    ),
    "resnext50b": (
        "resnext",
        {"model_depth": 50, "resnet_shortcut": "B", "resnext_cardinality": 4},
    ),
    "c3d": ("c3d", {}),
    "csn26ip": ("csn", {"model_depth": 26, "model_type": "ip"}),
    "csn26ir": ("csn", {"model_depth": 26, "model_type": "ir"}),
    "squeezenet1.0": ("squeezenet", {"version": 1.0}),
    "squeezenet1.1": ("squeezenet", {"version": 1.1}),
    "shufflenetg1": ("shufflenet", {"groups": 1, "width_mult": 0.25}),
    "shufflenetg3": ("shufflenet", {"groups": 3, "width_mult": 0.25}),
    "shufflenetg8": ("shufflenet", {"groups": 8, "width_mult": 1 / 3}),
    "shufflenetv2": ("shufflenetv2", {"width_mult": 0.25}),
    "resnet2p1d10a": ("resnet2p1d", {"model_depth": 10, "resnet_shortcut": "A"}),
    "resnet2p1d50b": ("resnet2p1d", {"model_depth": 50, "resnet_shortcut": "B"}),
    "pre_act_resnet10a": ("pre_act_resnet", {"model_depth": 10, "resnet_shortcut": "A"}),
    "pre_act_resnet10b": ("pre_act_resnet", {"model_depth": 10, "resnet_shortcut": "B"}),
    "pre_act_resnet50b": ("pre_act_resnet", {"model_depth": 50, "resnet_shortcut": "B"}),
    "wide_resnet50b": ("wide_resnet", {"wide_resnet_stem": "plain"}),
    "densenet121": ("densenet", {}),
    "x3d": ("x3d", {}),
    "slow50": ("slow", {}),
}
# For tests that take seconds with each: by default, of those that share their structures, one.
_ALIKE = (
    *("resnet18b", "resnet50a", "resnext50a", "resnext50b", "csn26ir"),
    *("squeezenet1.0", "shufflenetg1", "shufflenetg3", "shufflenetg8"),
    *("resnet2p1d10a", "resnet2p1d50b", "pre_act_resnet10a", "pre_act_resnet50b"),
    *("wide_resnet50b", "densenet121", "x3d", "slow50"),
)
EACH_KIND = [
    pytest.param(name, marks=pytest.mark.slow if name in _ALIKE else ()) for name in VARIANTS
]
# Where each is built, masked and traced: a residual one, a depthwise one, one that splits.
FEW_KINDS = [
    pytest.param(
        name, marks=() if name in ("resnet10a", "csn26ip", "shufflenetv2") else pytest.mark.slow
    )
    for name in VARIANTS
]
CLIP = (1, 3, 4, 24, 24)
# Smaller clips leave nothing of C3D's pools; of these, 2x2 places for its first linear layer.
_CLIPS = {"c3d": (1, 3, 9, 32, 32)}


def clip_shape(variant: str) -> tuple[int, ...]:
    """Return the shape [1,3,T,H,W] of the clips that a tiny network of `VARIANTS` is built for."""
    return _CLIPS.get(variant, CLIP)


def tiny_network(
    variant: str, *, width_mult: float = 0.125, dtype: torch.dtype = torch.float64
) -> VideoNetwork:
    """Return a network of one of `VARIANTS` with random BatchNorms, in evaluation mode.

    In float64 unless asked otherwise: oneDNN compiles float32 kernels for every new shape, which
    takes seconds for networks of many odd widths.
    """
    family, options = VARIANTS[variant]
    model = build_model(
        family,
        n_classes=4,
        sample_size=clip_shape(variant)[-1],
        sample_duration=clip_shape(variant)[2],
        **{"width_mult": width_mult, **options},
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model.to(dtype).eval()


def tiny_clip(variant: str = "", *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return a random clip that a variant accepts; without a name, all that take any size."""
    return torch.randn(clip_shape(variant), dtype=dtype)


def random_masks(
    model: nn.Module,
    clip: Tensor,
    *,
    together: float = 0.4,
    alone: float = 0.15,
    channels: TracedChannels | None = None,
) -> dict[str, Tensor]:
    """Return filter masks, as bool of the weights' shapes; a layer's filter 0 always stays.

    Args:
        model: the network.
        clip: an input for tracing.
        together: share of channels masked in every layer that has them.
        alone: share masked in one weight regardless of the others.
        channels: the network's, if they are traced already.
    """
    parameters = dict(model.named_parameters())
    groups = (channels or TracedChannels.of(model, clip)).groups()
    sizes = [0 if group.is_output else len(group.roots) for group in groups]
    dead = weakest_channels(
        groups,
        [torch.rand(len(group.roots)) for group in groups],
        [int(together * size) for size in sizes],
    )
    masks = {}
    for name, shared in filters_kept(groups, dead, parameters).items():
        weight = parameters[name]
        keep = shared & (torch.rand(weight.shape[0]) >= alone)
        keep[0] = True
        masks[name] = keep.view(-1, *[1] * (weight.dim() - 1)).expand(weight.shape)
    return masks


def apply_masks(
    model: nn.Module,
    masks: dict[str, Tensor],
    clip: Tensor,
    *,
    channels: TracedChannels | None = None,
) -> None:
    """Zero masked filters and the 1-D parameters that are theirs."""
    parameters = dict(model.named_parameters())
    groups = (channels or TracedChannels.of(model, clip)).groups()
    coupled = coupled_parameters(model, groups)
    with torch.no_grad():
        for name, mask in masks.items():
            keep = mask.flatten(1).any(dim=1)
            for owned in (name, *coupled[name]):
                parameters[owned][~keep] = 0
