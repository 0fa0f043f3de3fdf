"""3D MobileNetV2: inverted residuals."""

from __future__ import annotations

import pytest
import torch
from shapes import count, shaped, shapes_of
from torch import nn

from vcc.models import build_model
from vcc.models.network import head_of
from vcc.models.networks.mobilenetv2 import InvertedResidual


def test_features_are_as_published() -> None:
    network = shaped("mobilenetv2")
    names = tuple(f"features.{number}" for number in (0, 1, 3, 6, 10, 13, 16, 17, 18))
    assert shapes_of(network, names) == [
        (32, 16, 56, 56),
        (16, 16, 56, 56),
        (24, 8, 28, 28),
        (32, 4, 14, 14),
        (64, 2, 7, 7),
        (96, 2, 7, 7),
        (160, 1, 4, 4),
        (320, 1, 4, 4),
        (1280, 1, 4, 4),
        (2, 7),
    ]
    assert count(network, InvertedResidual) == 17


@pytest.mark.parametrize(("width_mult", "last"), [(0.2, 1280), (1.0, 1280), (2.0, 2560)])
def test_the_last_layer_is_never_narrower_than_published(width_mult: float, last: int) -> None:
    network = shaped("mobilenetv2", width_mult=width_mult)
    assert network.get_submodule("classifier.1").in_features == last


@pytest.mark.parametrize(
    ("n_in", "n_out", "stride", "added"), [(4, 4, 1, True), (4, 4, 2, False), (4, 6, 1, False)]
)
def test_the_input_is_added_where_shapes_agree(
    n_in: int, n_out: int, stride: int, added: bool
) -> None:
    block = InvertedResidual(n_in, n_out, stride, 6).eval()
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, n_in, 2, 4, 4)
    assert torch.equal(block(x), x) if added else not block(x).any()


def test_a_block_of_no_expansion_has_no_first_convolution() -> None:
    assert count(InvertedResidual(4, 4, 1, 1), nn.Conv3d) == 2
    assert count(InvertedResidual(4, 4, 1, 6), nn.Conv3d) == 3


def test_a_fresh_head_is_nearly_flat() -> None:
    head = head_of(build_model("mobilenetv2", n_classes=50, width_mult=0.1))
    assert head.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not head.get_parameter("bias").any()
