"""A candidate's schedule makes the structure that its trial had."""

from __future__ import annotations

import copy
import dataclasses
import re

import pytest
import torch
import yaml

from vcc.compression.engine.builder import file_config
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.phases import compile_phases, last_epoch
from vcc.data.store.prepared import PreparedDataset
from vcc.models.summary import layer_table
from vcc.pipeline.card import Network
from vcc.pipeline.search.knobs.clips import clip_choices
from vcc.pipeline.search.schedules import schedule_text
from vcc.pipeline.search.space import ALL_TAPS, FLOAT, INT8, MIXED, SearchCandidate
from vcc.pipeline.search.structure import CandidateBuilder


def written(builder: CandidateBuilder, candidate: SearchCandidate, n_epochs: int = 12) -> str:
    return schedule_text(
        candidate,
        builder.space,
        n_epochs=n_epochs,
        quant_target="cpu",
        header={"goal": "a test"},
    )


def alike(builder: CandidateBuilder, share: float, rank: float, int8: bool) -> SearchCandidate:
    names = [group.name for group in builder.space.groups]
    return builder.space.of(dict.fromkeys(names, share), rank, int8)


@pytest.mark.parametrize("taps", [ALL_TAPS, 3])
def test_the_same_layers_come_out(builder: CandidateBuilder, network: Network, taps: int) -> None:
    shares = {group.name: 0.5 for group in builder.space.groups}
    candidate = builder.space.of(shares, 0.25, False, taps=taps)
    schedule = load_schedule(yaml.safe_load(written(builder, candidate)))
    model = copy.deepcopy(network.model)
    clips = [torch.randn(2, *network.card.clip_shape) for _ in range(2)]
    scheduler = file_config(
        model,
        None,
        schedule,
        mask_coupled=True,
        example_input=clips[0],
        calibration=lambda: clips,
        teacher=copy.deepcopy(network.model),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    scheduler.begin_seam(0)
    for epoch in range(5):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        scheduler.attach(optimizer)
        scheduler.on_epoch_begin(epoch)
        scheduler.on_epoch_end(epoch)
    scheduler.begin_seam(5)
    expected = {row.name: row.parameters for row in layer_table(builder.build(candidate).model)}
    assert {row.name: row.parameters for row in layer_table(model)} == expected


@pytest.mark.parametrize("n_epochs", [3, 4, 12, 30])
@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("taps", [ALL_TAPS, 1])
def test_any_number_of_epochs_is_divided(
    builder: CandidateBuilder, n_epochs: int, int8: bool, taps: int
) -> None:
    shares = {group.name: 0.5 for group in builder.space.groups}
    candidate = builder.space.of(shares, 0.25, int8, taps=taps)
    text = written(builder, candidate, n_epochs)
    assert text.startswith("# goal:     a test\n")
    schedule = load_schedule(yaml.safe_load(text))
    assert last_epoch(schedule) == n_epochs
    phases = compile_phases(schedule, n_epochs)
    # Decomposed or cut, thinned, and quantized where asked: epochs follow, of three at least some.
    assert len(phases) == 2 + int8 - (n_epochs == 3 and int8 and taps > 0)
    assert all(phase.end > phase.start for phase in phases)


def test_clips_and_stages_in_float_are_written(network: Network, dataset: PreparedDataset) -> None:
    clips = clip_choices(network, dataset, ("2x16",))
    builder = CandidateBuilder(network, precisions=(INT8, FLOAT, MIXED), clips=clips)
    plain = builder.space.of(
        {group.name: 0.5 for group in builder.space.groups}, 1.0, True, clip="2x16x16 stride 2"
    )
    stages = {name: name != "stage2" for name in builder.space.stages}
    schedule = load_schedule(
        yaml.safe_load(written(builder, dataclasses.replace(plain, stages=stages)))
    )
    assert dict(schedule.clips) == {"sample_size": 16, "sample_duration": 2, "downsample": 2}
    (quantizer,) = schedule.in_section("quantizers")
    (pattern,) = quantizer.args["overrides"]
    assert re.fullmatch(pattern, "layer1.0.conv1.0")
    assert not re.fullmatch(pattern, "conv1")


def test_nothing_taken_is_training_with_a_teacher(builder: CandidateBuilder) -> None:
    schedule = load_schedule(yaml.safe_load(written(builder, alike(builder, 0, 1.0, False))))
    assert {policy.subject for policy in schedule.policies} == {"distiller", "lr_scheduler"}
