"""C3D: made for clips of one size."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of

from vcc.errors import ModelError
from vcc.models.networks.c3d import positions_left
from vcc.models.spec import ModelSpec

GROUPS = ("group1", "group2", "group3", "group4", "group5")


def spec(frames: int, size: int) -> ModelSpec:
    return ModelSpec(family="c3d", n_classes=7, sample_duration=frames, sample_size=size)


def test_groups_are_as_published() -> None:
    network = shaped("c3d")
    assert shapes_of(network, (*GROUPS, "fc1", "fc2")) == [
        (64, 15, 56, 56),
        (128, 7, 28, 28),
        (256, 3, 14, 14),
        (512, 1, 7, 7),
        (512, 1, 4, 4),
        (4096,),
        (4096,),
        (2, 7),
    ]


@pytest.mark.parametrize(
    ("frames", "size", "places"), [(16, 112, 16), (9, 16, 1), (32, 112, 32), (16, 64, 9)]
)
def test_fc1_is_as_wide_as_what_the_pools_leave(frames: int, size: int, places: int) -> None:
    assert positions_left(spec(frames, size)) == places
    network = shaped("c3d", sample_duration=frames, sample_size=size, width_mult=0.125)
    assert network.get_submodule("fc1.0").in_features == 64 * places
    assert shapes_of(network, ()) == [(2, 7)]


@pytest.mark.parametrize(("frames", "size"), [(8, 112), (16, 15), (1, 8)])
def test_a_clip_of_which_nothing_is_left_is_refused(frames: int, size: int) -> None:
    with pytest.raises(ModelError, match=r"leave nothing of a clip of \d+x\d+x\d+: give it at lea"):
        positions_left(spec(frames, size))


def test_clips_of_another_size_are_refused() -> None:
    network = shaped("c3d", sample_duration=16, sample_size=64, width_mult=0.125)
    with pytest.raises(ModelError, match="built for clips of 16x64x64, given one of 8x64x64"):
        network(torch.zeros(1, 3, 8, 64, 64, device="meta"))
