"""Tiny networks of all families: dense, thinned, quantized, and both, ready to export."""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch
from small_families import SMALL_FAMILIES
from torch import Tensor, nn

from vcc.compression import file_config
from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.models import build_model
from vcc.models.networks import (
    c3d,
    csn,
    mobilenet,
    mobilenetv2,
    resnet,
    resnext,
    shufflenet,
    shufflenetv2,
    squeezenet,
)
from vcc.models.pixels import PixelClassifier

SHAPE = (3, 4, 32, 32)
MEAN, STD = (114.75,) * 3, (60.0,) * 3
CLIPPED = ("DorefaQuantizer", "WRPNQuantizer", "PACTQuantizer")


def pixels(count: int = 2, seed: int = 0) -> Tensor:
    """Return clips of pixels that differ in brightness and texture, uint8."""
    generator = torch.Generator().manual_seed(seed)
    level = torch.rand(count, 1, 1, 1, 1, generator=generator) * 155
    noise = torch.rand(count, *SHAPE, generator=generator) * 100
    return (level + noise).to(torch.uint8)


def normalised(seed: int = 0, count: int = 2) -> Tensor:
    """Return the same clips as the network sees them."""
    return (pixels(count, seed).float() - MEAN[0]) / STD[0]


def classifier(network: nn.Module) -> PixelClassifier:
    """Return a network behind its normalisation, in evaluation mode."""
    return PixelClassifier(network, mean=MEAN, std=STD).eval()


def labels(clips: Tensor) -> Tensor:
    """Return the class of normalised clips: how bright they are, 0 to 4."""
    level = clips.mean(dim=(1, 2, 3, 4)) * STD[0] + MEAN[0]
    return ((level - 50) / 155 * 5).long().clamp(0, 4)


def dense(family: str) -> nn.Module:
    """Return a network that has learned to tell brightness, so that its classes are no ties."""
    return copy.deepcopy(_trained(family))


@contextlib.contextmanager
def few_blocks() -> Iterator[None]:
    """Build networks of every kind of block once or twice.

    The exporter takes a third of a second per convolution. C3D keeps its five groups, but its later
    pools leave the frames alone, since they are too few for it.
    """
    pools = [group._replace(width=64, convs=1, kernel=(1, 2, 2)) for group in c3d.GROUPS[1:]]
    with (
        mock.patch.object(mobilenetv2, "STAGES", mobilenetv2.STAGES[:2]),
        mock.patch.object(csn, "BLOCKS", {26: (1, 1, 0, 0)}),
        mock.patch.object(resnet, "BLOCKS", {10: (resnet.BasicBlock, (1, 1, 0, 0))}),
        # Two stages whose groups have two and four channels, not one, as in a depthwise convolution
        mock.patch.object(resnext, "BLOCKS", {50: (0, 1, 1, 0)}),
        mock.patch.object(mobilenet, "STAGES", mobilenet.STAGES[:2]),
        mock.patch.object(c3d, "GROUPS", (c3d.GROUPS[0], *pools)),
        mock.patch.object(c3d, "HIDDEN_WIDTH", 256),
        mock.patch.object(shufflenet, "STAGE_BLOCKS", (2, 0, 0)),
        mock.patch.object(shufflenetv2, "STAGE_BLOCKS", (2, 0, 0)),
        mock.patch.object(squeezenet, "FIRES", squeezenet.FIRES[:2]),
    ):
        yield


@functools.cache
def _trained(family: str) -> nn.Module:
    torch.manual_seed(0)
    with few_blocks():
        model = build_model(
            family,
            n_classes=5,
            sample_size=SHAPE[-1],
            sample_duration=SHAPE[1],
            width_mult=0.25,
            **SMALL_FAMILIES[family],
        )
    _train(model, torch.optim.Adam(model.parameters(), lr=3e-3), steps=40)
    return model.eval()


def _train(model: nn.Module, optimizer: torch.optim.Optimizer, *, steps: int) -> None:
    model.train()
    for seed in range(steps):
        clips = normalised(100 + seed, 8)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(clips), labels(clips))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def thinned(model: nn.Module, share: float = 0.5) -> nn.Module:
    """Return a copy with a share of every group's filters removed."""
    model, clip = copy.deepcopy(model), normalised(0, 1)
    channels = TracedChannels.of(model, clip)
    masks = group_masks(channels.groups(), lambda names: share)
    zero_filters_(model, masks, channels.groups())
    thin_(model, masks, clip, channels=channels)
    return model.eval()


def shortened(model: nn.Module) -> nn.Module:
    """Return a copy whose kernels are cut in time, at one end or the other or at both."""
    model, masks = copy.deepcopy(model), {}
    windows = itertools.cycle([(0, 2), (1, 3), (1, 2)])
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv3d) and module.kernel_size[0] > 1:
            start, end = next(windows)
            mask = torch.zeros_like(module.weight, dtype=torch.bool)
            mask[:, :, start : end + module.kernel_size[0] - 3] = True
            module.weight.data.mul_(mask)
            masks[f"{name}.weight"] = mask
    thin_(model, masks, normalised(0, 1))
    return model.eval()


def quantized(model: nn.Module, class_name: str, **fields: Any) -> nn.Module:
    """Return a copy that is quantized after training, or a few steps into it."""
    model = copy.deepcopy(model)
    schedule = {
        "quantizers": {"q": {"class": class_name, **fields}},
        "policies": [
            {
                "quantizer": {"instance_name": "q"},
                "starting_epoch": 0,
                "ending_epoch": 1,
                "frequency": 1,
            }
        ],
    }
    scheduler = file_config(
        model,
        None,
        schedule,
        example_input=normalised(0, 1),
        calibration=lambda: [normalised(seed) for seed in range(4)],
    )
    scheduler.begin_seam(0)
    if class_name != "PostTrainLinearQuantizer":
        _train(model, torch.optim.SGD(model.parameters(), lr=1e-3), steps=4)
    return model.eval()


def variant(family: str, kind: str) -> nn.Module:
    """Return dense, thinned, shortened, ptq or qat of a family, or several joined by +."""
    model = dense(family)
    if "shortened" in kind:
        model = shortened(model)
    if "thinned" in kind:
        model = thinned(model)
    if "ptq" in kind:
        model = quantized(model, "PostTrainLinearQuantizer", quant_target="cpu")
    if "qat" in kind:
        model = quantized(
            model,
            "QuantAwareTrainRangeLinearQuantizer",
            bits_activations=8,
            bits_weights=8,
            quant_target="cpu",
        )
    return model
