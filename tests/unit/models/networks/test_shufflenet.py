"""3D ShuffleNet: grouped convolutions and pooled shortcuts."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of
from torch import nn

from vcc.errors import ModelError
from vcc.models.networks.shufflenet import STAGE_WIDTHS, PooledShortcut, ShuffleUnit


@pytest.mark.parametrize("groups", [1, 8])
def test_stages_are_as_wide_as_published(groups: int) -> None:
    first, second, third = STAGE_WIDTHS[groups]
    assert shapes_of(
        shaped("shufflenet", groups=groups), ("maxpool", "layer1", "layer2", "layer3")
    ) == [
        (24, 8, 28, 28),
        (first, 4, 14, 14),
        (second, 2, 7, 7),
        (third, 1, 4, 4),
        (2, 7),
    ]


def test_the_narrow_stem_is_not_grouped() -> None:
    assert ShuffleUnit(24, 240, 2, 3).conv1.groups == 1
    assert ShuffleUnit(240, 480, 2, 3).conv1.groups == 3


def test_a_unit_that_subsamples_appends_its_pooled_input() -> None:
    unit = ShuffleUnit(12, 24, 2, 3).eval()
    for parameter in unit.parameters():
        nn.init.zeros_(parameter)
    x = torch.rand(1, 12, 2, 4, 4)
    out = unit(x)
    assert out.shape == (1, 24, 1, 2, 2)
    assert not out[:, :12].any()
    assert torch.equal(out[:, 12:], unit.shortcut(x))


def test_another_unit_adds_its_input() -> None:
    unit = ShuffleUnit(12, 12, 1, 3).eval()
    for parameter in unit.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 12, 2, 3, 3)
    assert torch.equal(unit(x), x.relu())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_shortcut_has_the_shape_of_the_strided_convolution(frames: int, size: int) -> None:
    x = torch.ones(1, 2, frames, size, size)
    strided = nn.Conv3d(2, 2, 3, stride=2, padding=1)
    out = PooledShortcut()(x)
    assert out.shape == strided(x).shape
    # Frames are never zeros; rows and columns around a picture are, and count.
    assert out.max() <= 1
    if size >= 4:
        assert out[..., 1, 1].unique().tolist() == pytest.approx([1.0])


def test_an_odd_last_frame_is_its_own_mean() -> None:
    x = torch.zeros(1, 1, 3, 5, 5)
    x[:, :, 2] = 9.0
    assert PooledShortcut()(x)[0, 0, :, 1, 1].tolist() == pytest.approx([0.0, 9.0])


@pytest.mark.parametrize(("n_in", "n_out", "stride"), [(13, 24, 1), (12, 20, 1), (12, 26, 2)])
def test_widths_that_do_not_divide_are_refused(n_in: int, n_out: int, stride: int) -> None:
    with pytest.raises(ModelError, match=r"\d+ channels do not divide into 3 groups: choose anoth"):
        ShuffleUnit(n_in, n_out, stride, 3)
