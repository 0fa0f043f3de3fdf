"""Candidates are judged on dev videos after a training on a draw of training videos."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from vcc.config.compression import ClipChoice
from vcc.config.entrypoints import SearchEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.models.quantized.plan import float_layers, read_plan
from vcc.pipeline.card import Network
from vcc.pipeline.search.judge import Judge
from vcc.pipeline.search.knobs.clips import with_clip
from vcc.pipeline.search.knobs.precision import Precision
from vcc.pipeline.search.prices import quantizing_schedule
from vcc.pipeline.search.structure import CandidateBuilder


def halved(builder: CandidateBuilder) -> Network:
    shares = {group.name: 0.5 for group in builder.space.groups}
    return builder.build(builder.space.of(shares, 1.0, False))


def test_test_videos_cannot_be_read(
    builder: CandidateBuilder, dataset: PreparedDataset, options: SearchEntry
) -> None:
    blind = dataclasses.replace(
        dataset.manifest,
        videos=tuple(video for video in dataset.manifest.videos if video.subset != "test"),
    )
    judge = Judge(builder.dense, PreparedDataset(dataset.root, blind), options)
    assert 0 <= judge.top1(builder.dense) <= 1
    assert len(judge.training_videos) == 4
    assert {video.subset for video in judge.training_videos} == {"train"}


def test_statistics_and_weights_change_and_integers_are_a_copy(
    builder: CandidateBuilder, dataset: PreparedDataset, options: SearchEntry, run: Any
) -> None:
    judge = Judge(builder.dense, dataset, options)
    network = halved(builder)
    before = {name: value.clone() for name, value in network.model.state_dict().items()}
    assert 0 <= judge.settle(network) <= 1
    settled = network.model.state_dict()
    assert not torch.equal(settled["bn1.running_mean"], before["bn1.running_mean"])
    assert torch.equal(settled["conv1.weight"], before["conv1.weight"])
    judge.train(network, run)
    assert not torch.equal(network.model.state_dict()["conv1.weight"], before["conv1.weight"])
    quantized = judge.quantized(network, quantizing_schedule("cpu"))
    assert read_plan(quantized.model) is not None
    assert read_plan(network.model) is None
    assert 0 <= judge.top1(quantized) <= 1
    assert quantized.card == builder.dense.card
    kept = ("conv1", "layer1.0.conv1")
    mixed = judge.quantized(network, quantizing_schedule("cpu", Precision(True, kept)))
    assert set(float_layers(mixed.model)) == set(kept)


def test_other_clips_are_looked_at_where_the_network_has_them(
    builder: CandidateBuilder, dataset: PreparedDataset, options: SearchEntry
) -> None:
    judge = Judge(builder.dense, dataset, options)
    seen: list[tuple[int, ...]] = []
    network = with_clip(halved(builder), ClipChoice(sample_duration=2, downsample=2))
    network.model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[2:]))
    assert 0 <= judge.settle(network) <= 1
    assert set(seen) == {(2, 16, 16)}
    judge.quantized(network, quantizing_schedule("cpu"))
    assert set(seen) == {(2, 16, 16)}


def test_no_epochs_train_nothing(
    builder: CandidateBuilder, dataset: PreparedDataset, options: SearchEntry, run: Any
) -> None:
    judge = Judge(builder.dense, dataset, dataclasses.replace(options, trial_epochs=0))
    network = halved(builder)
    before = network.model.get_parameter("conv1.weight").clone()
    judge.train(network, run)
    assert torch.equal(network.model.get_parameter("conv1.weight"), before)
