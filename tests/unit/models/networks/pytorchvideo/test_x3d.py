"""X3D: depthwise bottlenecks, every second one with a gate."""

from __future__ import annotations

import pytest
import torch
from shapes import count, shaped, shapes_of

from vcc.models.layers import is_depthwise
from vcc.models.networks.pytorchvideo.x3d import SqueezeExcitation, round_width


def test_every_frame_is_kept_and_each_stage_halves_the_size() -> None:
    network = shaped("x3d")
    names = tuple(f"blocks.{number}" for number in range(5))
    assert shapes_of(network, names, clip=(3, 16, 224, 224)) == [
        (24, 16, 112, 112),
        (24, 16, 56, 56),
        (48, 16, 28, 28),
        (96, 16, 14, 14),
        (192, 16, 7, 7),
        (2, 7),
    ]


@pytest.mark.parametrize(("size", "gates"), [("m", 2 + 3 + 6 + 4), ("l", 3 + 5 + 13 + 8)])
def test_every_second_block_of_a_stage_has_a_gate(size: str, gates: int) -> None:
    assert count(shaped("x3d", x3d_size=size), SqueezeExcitation) == gates


def test_xs_s_and_m_are_one_network() -> None:
    layouts = [
        {name: tensor.shape for name, tensor in shaped("x3d", x3d_size=size).state_dict().items()}
        for size in ("xs", "s", "m")
    ]
    assert layouts[0] == layouts[1] == layouts[2]


def test_the_middle_of_a_bottleneck_is_depthwise() -> None:
    network = shaped("x3d")
    assert is_depthwise(network.get_submodule("blocks.2.res_blocks.0.branch2.conv_b"))


@pytest.mark.parametrize(
    ("width", "rounded"), [(24, 24), (3.375, 8), (6.75, 8), (27, 32), (20, 24), (13, 16), (12, 16)]
)
def test_widths_are_multiples_of_eight(width: float, rounded: int) -> None:
    assert round_width(width) == rounded


def test_a_gate_is_between_nothing_and_all() -> None:
    x = torch.rand(1, 16, 2, 3, 3) + 0.5
    share = (SqueezeExcitation(16)(x) / x).detach()
    assert 0 < float(share.min()) <= float(share.max()) < 1
    assert torch.allclose(share, share[:, :, :1, :1, :1], atol=1e-6)
