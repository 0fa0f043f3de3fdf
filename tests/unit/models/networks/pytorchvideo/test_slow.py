"""Slow: frames stay, and are looked at together late."""

from __future__ import annotations

import pytest
from shapes import shaped, shapes_of
from torch import nn

from vcc.models.networks.pytorchvideo.slow import BLOCKS


def test_every_frame_is_kept() -> None:
    network = shaped("slow")
    assert shapes_of(network, ("blocks.0", "blocks.1", "blocks.4"), clip=(3, 8, 224, 224)) == [
        (64, 8, 56, 56),
        (256, 8, 56, 56),
        (2048, 8, 7, 7),
        (2, 7),
    ]


@pytest.mark.parametrize(("stage", "frames"), [(1, 1), (2, 1), (3, 3), (4, 3)])
def test_the_last_two_stages_alone_look_along_time(stage: int, frames: int) -> None:
    network = shaped("slow")
    for block in network.get_submodule(f"blocks.{stage}.res_blocks"):  # type: ignore[attr-defined]
        kernels = [conv.kernel_size[0] for conv in block.modules() if isinstance(conv, nn.Conv3d)]
        assert max(kernels) == frames


@pytest.mark.parametrize("depth", BLOCKS)
def test_a_depth_counts_convolutions_and_the_head(depth: int) -> None:
    assert 2 + 3 * sum(BLOCKS[depth]) == depth
