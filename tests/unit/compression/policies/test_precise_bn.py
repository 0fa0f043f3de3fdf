"""BatchNorm statistics, estimated again."""

from __future__ import annotations

import pytest
import torch
from decomposition_toys import toy_clip, toy_network
from torch import nn

from vcc.compression import file_config
from vcc.compression.policies.precise_bn import estimate_batchnorms_
from vcc.errors import ScheduleError


def norm_of(width: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm3d(width, momentum=0.3)).double().eval()


def test_the_statistics_are_the_mean_over_batches():
    model, clips = norm_of(), torch.randn(8, 3, 2, 4, 4, dtype=torch.float64)

    assert estimate_batchnorms_(model, clips.split(1), batch_size=4) == 1

    halves = clips.split(4)
    means = torch.stack([half.mean(dim=(0, 2, 3, 4)) for half in halves]).mean(0)
    variances = torch.stack([half.var(dim=(0, 2, 3, 4)) for half in halves]).mean(0)
    assert torch.allclose(model[0].running_mean, means)
    assert torch.allclose(model[0].running_var, variances)
    assert not model[0].training
    assert model[0].momentum == 0.3


@pytest.mark.parametrize(("clips", "batches"), [(5, 1), (6, 2), (3, 1)])
def test_a_short_rest_is_left_out(clips, batches):
    model = norm_of()
    estimate_batchnorms_(model, [torch.randn(clips, 3, 2, 2, 2).double()], batch_size=4)
    assert int(model[0].num_batches_tracked) == batches


@pytest.mark.parametrize("clips", [0, 1])
def test_too_few_clips_are_an_error_and_change_nothing(clips):
    model = norm_of()
    model[0].running_mean.fill_(7)
    with pytest.raises(ScheduleError, match="two calibration clips at least"):
        estimate_batchnorms_(model, [torch.zeros(clips, 3, 2, 2, 2).double()])
    assert float(model[0].running_mean[0]) == 7


def test_a_network_without_batchnorm_is_fine():
    assert estimate_batchnorms_(nn.Sequential(nn.Linear(2, 2)), []) == 0


def test_only_batchnorms_compute_as_in_training():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5), nn.BatchNorm1d(2)).train()
    estimate_batchnorms_(model, [torch.ones(4, 2)], batch_size=4)
    assert float(model[2].running_var[0]) == 0
    assert model[1].training


def config(model: nn.Module, **given):
    schedule = {
        "decomposers": {
            "stem": {"class": "SpatialTemporalDecomposer", "rank": 2, "weights": ["stem.weight"]}
        },
        "extensions": {"again": {"class": "PreciseBN"}},
        "policies": [
            {"decomposer": {"instance_name": "stem"}, "epochs": [0]},
            {"extension": {"instance_name": "again"}, "epochs": [0]},
        ],
    }
    return file_config(model, None, schedule, example_input=toy_clip()[:1], **given)


def test_a_schedule_estimates_after_it_decomposed():
    model, clip = toy_network(), toy_clip()
    config(model, calibration=lambda: [clip]).begin_seam(0)
    assert torch.allclose(model.norm.running_mean, model.stem(clip).mean(dim=(0, 2, 3, 4)))


def test_a_schedule_needs_calibration_clips():
    with pytest.raises(ScheduleError, match="again: needs calibration clips"):
        config(toy_network())
