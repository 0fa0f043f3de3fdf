"""Second moments of what layers read and write."""

from __future__ import annotations

import pytest
import torch
from decomposition_toys import toy_clip, toy_network
from torch import nn

from vcc.compression.decomposition import moments as module
from vcc.compression.decomposition.moments import observe_moments
from vcc.errors import ScheduleError


def test_patches_reproduce_what_a_spatial_layer_writes():
    conv = nn.Conv3d(2, 4, (1, 3, 3), stride=(1, 2, 1), padding=(0, 1, 0), bias=False).double()
    clip = torch.randn(2, 2, 3, 7, 7, dtype=torch.float64)
    model = nn.Sequential(conv)

    found = observe_moments(model, {"0": conv}, "spatial_temporal", lambda: [clip])

    written = conv(clip).movedim(1, -1).reshape(-1, 4)
    expected = written.T @ written / len(written)
    matrix = conv.weight[:, :, 0].flatten(1)
    assert torch.allclose(matrix @ found["0"]["patches"] @ matrix.T, expected)


def test_outputs_are_without_bias_and_channels_are_of_the_input():
    linear = nn.Linear(3, 2).double()
    rows = torch.randn(5, 3, dtype=torch.float64)

    found = observe_moments(nn.Sequential(linear), {"0": linear}, "low_rank", lambda: [rows])
    written = rows @ linear.weight.T
    assert torch.allclose(found["0"]["outputs"], written.T @ written / 5)
    assert "channels" not in found["0"]

    conv = nn.Conv3d(3, 2, 3).double()
    clip = torch.randn(1, 3, 3, 4, 4, dtype=torch.float64)
    found = observe_moments(nn.Sequential(conv), {"0": conv}, "tucker2", lambda: [clip, clip])
    read = clip.movedim(1, -1).reshape(-1, 3)
    assert torch.allclose(found["0"]["channels"], read.T @ read / len(read))


def test_a_long_batch_is_looked_at_in_part(monkeypatch):
    monkeypatch.setattr(module, "_MOST_POSITIONS", 10)
    conv = nn.Conv3d(1, 1, (1, 3, 3)).double()
    clip = torch.randn(1, 1, 9, 5, 5, dtype=torch.float64)
    model = nn.Sequential(conv)
    found = observe_moments(model, {"0": conv}, "spatial_temporal", lambda: [clip])
    frame = torch.nn.functional.unfold(clip[:, :, 0], (3, 3))[0].T
    assert torch.allclose(found["0"]["patches"], frame.T @ frame / len(frame))


def test_large_patches_are_not_observed(monkeypatch):
    # a patch of the stem has 75 inputs, one of the cube 72
    monkeypatch.setattr(module, "MOST_INPUTS", 74)
    model = toy_network()
    layers = {"cube": model.cube, "stem": model.stem}
    found = observe_moments(model, layers, "spatial_temporal", lambda: [toy_clip()])
    assert found["stem"] == {}
    assert found["cube"]["patches"].shape == (72, 72)


def test_the_network_is_left_as_it_was():
    model = toy_network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    observe_moments(model, {"cube": model.cube}, "tucker2", lambda: [toy_clip()])
    assert model.cube.training
    assert not model.cube._forward_hooks
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_no_clip_is_an_error():
    model = toy_network()
    with pytest.raises(ScheduleError, match="no calibration batch ran cube"):
        observe_moments(model, {"cube": model.cube}, "tucker2", list)
