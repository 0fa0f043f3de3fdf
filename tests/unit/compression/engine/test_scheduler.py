"""A whole compression traces its network's channels once per structure."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
import torch
from models_tiny import tiny_clip, tiny_network

from vcc.compression import binding, file_config
from vcc.compression.channels import trace_cache
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.engine.scheduler import CompressionScheduler
from vcc.compression.thinning.targets import ThinningTarget, meet_target


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def traces() -> Any:
    """Count how often channels are traced, wherever that is asked for."""
    counted = mock.Mock(side_effect=trace_cache.trace_channels)
    with (
        mock.patch.object(trace_cache, "trace_channels", counted),
        mock.patch.object(binding, "trace_channels", counted),
    ):
        yield counted


def coupled(class_name: str, weight: str) -> dict[str, Any]:
    return {
        "class": class_name,
        "group_type": "Filters",
        "group_dependency": "Coupled",
        "desired_sparsity": 0.25,
        "weights": [weight],
    }


def on(subject: str, name: str, *epochs: int) -> dict[str, Any]:
    return {subject: {"instance_name": name}, "epochs": list(epochs)}


# three pruners that ask about channels, thinning twice, and its search for dead channels
SCHEDULE: dict[str, Any] = {
    "pruners": {
        "first": coupled("L1RankedStructureParameterPruner", "layer1.0.conv1.weight"),
        "second": coupled("TaylorRankedFilterPruner", "layer2.0.conv1.weight"),
        "third": coupled("L2RankedStructureParameterPruner", "layer3.0.conv1.weight"),
    },
    "extensions": {"thinner": {"class": "FilterRemover", "thinning_func_str": "remove_channels"}},
    "policies": [
        on("pruner", "first", 0),
        on("pruner", "second", 0, 2),
        on("pruner", "third", 0, 2),
        on("extension", "thinner", 1, 3),
    ],
}


def run_epoch(scheduler: CompressionScheduler, epoch: int) -> None:
    scheduler.on_epoch_begin(epoch)
    scheduler.on_minibatch_begin(epoch, 0, 1)
    scheduler.before_backward_pass(epoch, 0, 1, torch.zeros(()))
    scheduler.before_parameter_optimization(epoch, 0, 1)
    scheduler.on_minibatch_end(epoch, 0, 1)
    scheduler.on_epoch_end(epoch)


def test_channels_are_traced_once_per_structure(traces: mock.Mock) -> None:
    model, clip = tiny_network("resnet10a"), tiny_clip()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scheduler = file_config(model, optimizer, SCHEDULE, mask_coupled=True, example_input=clip)
    assert traces.call_count == 1
    width = model.layer1[0].conv1.out_channels
    run_epoch(scheduler, 0)
    run_epoch(scheduler, 1)
    assert model.layer1[0].conv1.out_channels < width
    assert traces.call_count == 1
    run_epoch(scheduler, 2)
    run_epoch(scheduler, 3)
    assert traces.call_count == 2


def test_a_target_and_the_schedule_that_meets_it_share_the_channels(traces: mock.Mock) -> None:
    model, clip = tiny_network("resnet10a"), tiny_clip()
    channels = TracedChannels.of(model, clip)
    meet_target(model, clip, ThinningTarget(params=0.7), channels=channels)
    scheduler = file_config(
        model, None, SCHEDULE, mask_coupled=True, example_input=clip, channels=channels
    )
    assert scheduler.channels is channels
    scheduler.begin_seam(0)
    scheduler.on_epoch_begin(0)
    assert traces.call_count == 1


def test_a_restored_structure_is_traced_anew(traces: mock.Mock) -> None:
    model, clip = tiny_network("resnet10a"), tiny_clip()
    scheduler = file_config(model, None, SCHEDULE, mask_coupled=True, example_input=clip)
    scheduler.structure_restored()
    assert scheduler.channels is not None
    scheduler.channels.groups()
    assert traces.call_count == 2
