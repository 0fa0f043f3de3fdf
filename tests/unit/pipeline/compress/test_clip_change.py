"""Compression with other clips: they hold everywhere, and all is counted against the dense network
on its own."""

from __future__ import annotations

import copy
import csv
import dataclasses
import io
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from vcc.compression.policies.distillation import DistillationPolicy
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.shipped import SCHEDULES, default_schedule
from vcc.config.compression import ClipChoice, CompressionOptions, TargetOptions
from vcc.config.distillation import DistillationOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.models.checkpoint import load_checkpoint, save_checkpoint
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.compress.clip_change import take_clips
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.compress.step import compress_step
from vcc.pipeline.compress.targets import Targets, dense_figures
from vcc.pipeline.compress.teacher import TeacherFinder
from vcc.training.resume_checkpoint import LAST_FILE, CheckpointPlan

HALF: dict[str, Any] = {"clips": {"sample_duration": "x0.5", "downsample": "x2"}, "policies": []}


def compress(
    dataset: PreparedDataset,
    network: Network,
    run: Any,
    folder: Path,
    *,
    schedule: Any = HALF,
    clips: ClipChoice | None = None,
    n_epochs: int | None = None,
    **options: Any,
) -> Network:
    file = folder / "schedule.yaml"
    file.write_text(yaml.safe_dump(schedule))
    recipe = recipe_for(
        network,
        CompressionOptions(schedule=file, **options),
        n_epochs=n_epochs,
        learning_rate=None,
        parent=None,
        clip_override=clips,
    )
    return compress_step(network, dataset, recipe, run=run)


def test_the_schedule_s_clips_hold_from_the_first_epoch_to_the_checkpoint(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
) -> None:
    dense = count_macs(network.model)
    made = compress(dataset, network, run, tmp_path, n_epochs=1)
    assert made.card.clip_shape == (3, 2, 16, 16)
    assert made.card.clip.downsample == 2
    assert made.card.lineage == ("unregistered", "clip 2x16x16 stride 2")
    assert run.metrics["macs_ratio"] == [dense / count_macs(made.model)]
    assert yaml.safe_load(run.texts["schedule/effective.yaml"])["clips"] == {
        "sample_duration": 2,
        "downsample": 2,
    }
    layers = list(csv.DictReader(io.StringIO(run.texts["layers.csv"])))
    assert int(layers[0]["MACs before"]) == 2 * int(layers[0]["MACs"])
    save_checkpoint(tmp_path / "c", made.model, made.card.as_metadata())
    loaded = load_checkpoint(tmp_path / "c")
    card = NetworkCard.from_metadata(loaded.metadata, where="here")
    assert (loaded.model.spec.clip_shape, card.clip_shape) == (made.card.clip_shape,) * 2
    assert card.protocol == made.card.protocol


def test_options_win_over_the_schedule(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
) -> None:
    clips = ClipChoice(downsample=1, sample_size=12)
    made = compress(dataset, network, run, tmp_path, clips=clips)
    assert made.card.protocol.text == "2x12x12"


def test_without_any_nothing_changes(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
) -> None:
    card = network.card
    made = compress(dataset, network, run, tmp_path, schedule={"policies": []})
    assert made.card.protocol == card.protocol
    assert made.card.lineage == ("unregistered", "fine-tuned")
    assert run.metrics["macs_ratio"] == [1.0]


def test_more_pixels_than_are_stored_are_refused(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="sample_size: 24 is more than the stored frames have"):
        compress(dataset, network, run, tmp_path, clips=ClipChoice(sample_size=24))
    assert network.card.clip_shape == (3, 4, 16, 16)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ({"sample_duration": 16}, r"a clip spans 16 frames .* of \d+ training videos are shorter"),
        ({"sample_duration": 2}, "covering a video takes 2.00 times as many clips.*downsample=2"),
        ({"sample_duration": 2, "downsample": 2}, None),
        ({"sample_size": 12}, None),
    ],
)
def test_what_it_means_for_a_video_is_said(
    dataset: PreparedDataset,
    network: Network,
    caplog: pytest.LogCaptureFixture,
    clip: dict[str, int],
    message: str | None,
) -> None:
    take_clips(network, dataclasses.replace(network.card.clip, **clip), dataset)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    if message is None:
        assert not warnings
    else:
        assert len(warnings) == 1
        assert re.search(message, warnings[0])


class TestTargets:
    def halved(self, network: Network, dataset: PreparedDataset) -> Network:
        clip = dataclasses.replace(network.card.clip, sample_duration=2)
        own = Network(model=copy.deepcopy(network.model), card=network.card)
        return take_clips(own, clip, dataset)

    def test_shares_are_of_the_dense_network_on_its_own_clips(
        self, dataset: PreparedDataset, network: Network, run: Any
    ) -> None:
        halved, dense = self.halved(network, dataset), dense_figures(network.model)
        by_clips = count_macs(halved.model) / dense["macs"]
        options = TargetOptions(target_macs=0.8 * by_clips)
        targets = Targets(options, halved, dense=dense, round_to=1)
        targets.direct(load_schedule(default_schedule("resnet", "ep")), run)
        costs = run.texts["target.txt"].splitlines()[0]
        found = float(costs.removeprefix("after thinning: macs "))
        assert 0.6 * by_clips < found <= 0.8 * by_clips

    def test_where_the_clips_alone_do_nothing_is_pruned(
        self,
        dataset: PreparedDataset,
        network: Network,
        run: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        halved, dense = self.halved(network, dataset), dense_figures(network.model)
        targets = Targets(TargetOptions(target_macs=0.9), halved, dense=dense, round_to=1)
        schedule = targets.direct(load_schedule(default_schedule("resnet", "ep")), run)
        assert not schedule.in_section("pruners")
        assert "met without pruning (cheaper clips count)" in caplog.text
        targets.check(halved, run)


class TestTeacher:
    def test_the_dense_network_teaches_on_its_own_clips(
        self,
        dataset: PreparedDataset,
        network: Network,
        run: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        seen: list[torch.Size] = []
        ask = DistillationPolicy._ask

        def asked(self: DistillationPolicy, inputs: Tensor, device: torch.device) -> Tensor:
            seen.append(inputs.shape[1:])
            return ask(self, inputs, device)

        monkeypatch.setattr(DistillationPolicy, "_ask", asked)
        made = compress(dataset, network, run, tmp_path, n_epochs=1, compression_type=("kd",))
        assert set(seen) == {torch.Size((3, 4, 16, 16))}
        assert made.card.clip_shape == (3, 2, 16, 16)
        assert made.card.lineage[-2:] == ("clip 2x16x16 stride 2", "distilled")

    def test_a_teacher_of_the_same_clips_is_shown_the_student_s(
        self, dataset: PreparedDataset, network: Network
    ) -> None:
        finder = TeacherFinder(network, dataset, DistillationOptions())
        assert finder.clip_beside(network.card.clip) is None
        finder(None)
        assert finder.clip_beside(network.card.clip) is None
        longer = dataclasses.replace(network.card.clip, sample_duration=8, brightness=0.1)
        beside = finder.clip_beside(longer)
        assert beside == dataclasses.replace(longer, sample_duration=4)


def test_the_shipped_schedule_halves_whatever_the_baseline_has(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
) -> None:
    schedule = yaml.safe_load((SCHEDULES / "clips_half.yaml").read_text())
    made = compress(dataset, network, run, tmp_path, schedule=schedule, n_epochs=0)
    assert made.card.protocol.text == "2x16x16 stride 2"
    assert made.card.protocol.window == network.card.protocol.window


class TestResume:
    def run_to(
        self,
        dataset: PreparedDataset,
        network: Network,
        folder: Path,
        *,
        run: Any,
        n_epochs: int,
        resume: bool = False,
        clips: ClipChoice | None = None,
    ) -> Network:
        folder.mkdir(exist_ok=True)
        file = folder / "schedule.yaml"
        file.write_text(yaml.safe_dump({"policies": []}))
        recipe = recipe_for(
            Network(model=copy.deepcopy(network.model), card=network.card),
            CompressionOptions(schedule=file),
            n_epochs=n_epochs,
            learning_rate=None,
            parent=None,
            clip_override=clips,
        )
        plan = CheckpointPlan(
            folder=folder, every_n_epochs=1, resume_from=folder / LAST_FILE if resume else None
        )
        own = Network(model=copy.deepcopy(network.model), card=network.card)
        return compress_step(own, dataset, recipe, run=run, checkpoints=plan)

    @pytest.mark.slow
    def test_a_resumed_compression_keeps_its_clips_and_ends_the_same(
        self, dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
    ) -> None:
        clips = ClipChoice(sample_duration=2, downsample=2)
        whole = self.run_to(dataset, network, tmp_path / "whole", run=run, n_epochs=2, clips=clips)
        cut = tmp_path / "cut"
        self.run_to(dataset, network, cut, run=run, n_epochs=1, clips=clips)
        resumed = self.run_to(dataset, network, cut, run=run, n_epochs=2, clips=clips, resume=True)
        assert resumed.card.protocol.text == "2x16x16 stride 2"
        weights = whole.model.state_dict()
        assert all(torch.equal(w, weights[n]) for n, w in resumed.model.state_dict().items())

    def test_other_clips_are_another_training(
        self, dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
    ) -> None:
        clips = ClipChoice(sample_duration=2)
        self.run_to(dataset, network, tmp_path / "c", run=run, n_epochs=1, clips=clips)
        with pytest.raises(ConfigError, match="sample_duration was 2 and is 4.*it was started"):
            self.run_to(dataset, network, tmp_path / "c", run=run, n_epochs=2, resume=True)
