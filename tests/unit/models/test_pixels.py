"""A classifier of raw pixels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.models.pixels import PixelClassifier

MEAN, STD = (10.0, 20.0, 30.0), (1.0, 2.0, 4.0)


def classifier() -> PixelClassifier:
    """Return a network that gives its normalised clip, flattened."""
    return PixelClassifier(nn.Flatten(), mean=MEAN, std=STD)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.int64])
def test_channels_are_normalised_each_by_its_own(dtype: torch.dtype) -> None:
    pixels = torch.full((2, 3, 1, 1, 1), 50, dtype=dtype)
    assert classifier()(pixels).tolist() == [[40.0, 15.0, 5.0]] * 2


def test_dark_pixels_go_below_zero() -> None:
    assert classifier()(torch.zeros(1, 3, 1, 1, 1, dtype=torch.uint8)).tolist() == [
        [-10.0, -10.0, -7.5]
    ]


def test_normalisation_is_no_weight_and_follows_the_network() -> None:
    model = PixelClassifier(nn.Conv3d(3, 1, 1), mean=MEAN, std=STD)
    assert set(model.state_dict()) == {"network.weight", "network.bias"}
    model.double()
    assert model(torch.zeros(1, 3, 1, 1, 1, dtype=torch.uint8)).dtype == torch.float64
