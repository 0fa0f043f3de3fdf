"""Networks of other styles than ours: each structural step leaves what they compute as it was."""

from __future__ import annotations

import contextlib

import pytest
import torch
from networks.styles import CLIP, STYLES, styled
from torch import nn

from vcc.compression.channels.batchnorms import following_batchnorms
from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.trace import trace_channels
from vcc.compression.quantization.checked_plan import _quantizers_off
from vcc.compression.quantization.folding import fold_batchnorms
from vcc.compression.quantization.insertion import insert_quantizers
from vcc.compression.quantization.overrides import Bits
from vcc.compression.quantization.settings import QuantizerSettings
from vcc.compression.thinning.remove import thin_
from vcc.models.quantized.plan import float_layers

NOT_FOLDED = (
    "relu_in_place_then_bn",
    "preactivation",
    "called_twice",
    "one_norm_for_two",
    "functional_reader",
    "tied_weights",
    "overriding",
    "transposed_bn",
)

QAT = QuantizerSettings(
    class_name="QuantAwareTrainRangeLinearQuantizer", bits=Bits(activations=8, weights=8, bias=None)
)


def clip() -> torch.Tensor:
    return torch.randn(CLIP, generator=torch.Generator().manual_seed(1))


def half_masks(net: nn.Module) -> dict[str, torch.Tensor]:
    masks = {}
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv3d) and "weight" in module._parameters:
            keep = torch.ones_like(module.weight, dtype=torch.bool)
            keep[: len(keep) // 2] = False
            masks[f"{name}.weight"] = keep
    return masks


@pytest.mark.parametrize("name", STYLES)
def test_folded_equals_dense(name):
    net, x = styled(name), clip()
    with torch.no_grad():
        before = net(x)
        folded = fold_batchnorms(net, following_batchnorms(net, x))
        assert torch.allclose(net(x), before, rtol=1e-4, atol=1e-4)
    if name == "plain":
        assert folded == ["n"]
    if name in NOT_FOLDED:
        assert not set(folded) & {"m", "n.1"}


@pytest.mark.parametrize("name", STYLES)
def test_thinned_equals_masked(name):
    net, x = styled(name), clip()
    masks = half_masks(net)
    with contextlib.suppress(UntraceableError):
        zero_filters_(net, masks, trace_channels(net, x))
    with torch.no_grad():
        for parameter, mask in masks.items():
            net.get_parameter(parameter).mul_(mask)
        before = net(x)
        report = thin_(net, masks, x[:1])
        assert torch.allclose(net(x), before, rtol=1e-5, atol=1e-5)
    assert report.removed or report.obstacle or any(row.why for row in report.rows)
    if name == "plain":
        assert report.removed == 8


@pytest.mark.parametrize("name", STYLES)
def test_quantizers_that_are_off_change_nothing(name):
    net, x = styled(name), clip()
    with torch.no_grad():
        before = net(x)
        insert_quantizers(net, QAT, x)
        with _quantizers_off(net):
            assert torch.allclose(net(x), before, rtol=1e-4, atol=1e-4)
    if name in ("plain", "inheriting"):
        assert not float_layers(net)
