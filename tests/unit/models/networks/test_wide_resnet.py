"""Wide ResNet: bottlenecks of more channels in ResNet's frame."""

from __future__ import annotations

import pytest
from shapes import shaped, shapes_of


@pytest.mark.parametrize(("stem", "width"), [("wide", 128), ("plain", 64)])
def test_the_first_layer_is_as_wide_as_in_either_release(stem: str, width: int) -> None:
    network = shaped("wide_resnet", wide_resnet_stem=stem)
    assert shapes_of(network, ("conv1", "layer1", "layer4")) == [
        (width, 16, 56, 56),
        (256, 8, 28, 28),
        (2048, 1, 4, 4),
        (2, 7),
    ]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_k_widens_the_inside(k: int) -> None:
    network = shaped("wide_resnet", wide_resnet_k=k)
    assert network.get_submodule("layer1.0.conv2").out_channels == 64 * k
    assert network.get_submodule("layer1.0.conv3").out_channels == 128 * k
