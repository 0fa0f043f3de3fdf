"""3D ShuffleNetV2: halves of channels, filtered and passed on."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of

from vcc.models.networks.shufflenetv2 import WIDTHS, ShuffleV2Unit


@pytest.mark.parametrize("width_mult", [0.25, 2.0])
def test_stages_are_as_wide_as_published(width_mult: float) -> None:
    network = shaped("shufflenetv2", width_mult=width_mult)
    (first, second, third), last = WIDTHS[width_mult]
    names = ("maxpool", "features.3", "features.11", "features.15", "conv_last")
    assert shapes_of(network, names) == [
        (24, 8, 28, 28),
        (first, 4, 14, 14),
        (second, 2, 7, 7),
        (third, 1, 4, 4),
        (last, 1, 4, 4),
        (2, 7),
    ]


def test_half_of_the_channels_pass_as_they_are() -> None:
    unit = ShuffleV2Unit(8, 8, 1).eval()
    x = torch.randn(1, 8, 2, 3, 3)
    out = unit(x)
    # The shuffle deals the halves out in turn.
    assert torch.equal(out[:, ::2], x[:, :4])
    assert torch.equal(out[:, 1::2], unit.banch2(x[:, 4:]))


def test_a_unit_that_subsamples_filters_both() -> None:
    unit = ShuffleV2Unit(6, 8, 2).eval()
    assert unit.split is None
    assert unit.banch1 is not None
    x = torch.randn(1, 6, 4, 6, 6)
    out = unit(x)
    assert out.shape == (1, 8, 2, 3, 3)
    assert torch.equal(out[:, ::2], unit.banch1(x))
