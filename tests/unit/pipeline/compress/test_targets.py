"""Targets of a compression: worked out, handed to the schedule, held afterwards."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from models_tiny import CLIP, tiny_network

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.shipped import default_schedule
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.config.compression import TargetOptions
from vcc.config.data import ClipOptions
from vcc.config.training import TrainingOptions
from vcc.data.clips.normalisation import PixelNormalisation
from vcc.errors import ScheduleError
from vcc.models.quantized.plan import read_plan
from vcc.pipeline.card import Network, NetworkCard
from vcc.pipeline.compress import targets as module
from vcc.pipeline.compress.targets import Targets, read_sensitivity


class Record:
    """Takes the place of a run: remembers the texts that it was given."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def log_text(self, text: str, name: str) -> None:
        self.texts[name] = text


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    card = NetworkCard(
        arch="resnet10a",
        role="dense",
        dataset="motion",
        data_digest="0",
        split="split1",
        labels=tuple("abcd"),
        clip=ClipOptions(sample_size=CLIP[-1], sample_duration=CLIP[2]),
        training=TrainingOptions(),
        normalisation=PixelNormalisation(mean=(114.0,) * 3, std=(57.0,) * 3),
    )
    return Network(model=tiny_network("resnet10a", dtype=torch.float32), card=card)


def thinned(network: Network, share: float) -> Network:
    model, clip = copy.deepcopy(network.model), torch.zeros(CLIP)
    channels = TracedChannels.of(model, clip)
    masks = group_masks(channels.groups(), lambda names: share)
    zero_filters_(model, masks, channels.groups())
    thin_(model, masks, clip, channels=channels)
    return dataclasses.replace(network, model=model)


def test_without_a_target_the_schedule_stays(network: Network) -> None:
    run: Any = Record()
    targets = Targets(TargetOptions(), network, round_to=1)
    schedule = load_schedule(default_schedule("resnet", "ptq"))
    assert targets.direct(schedule, run) is schedule
    targets.check(network, run)
    assert not run.texts


def test_the_schedule_gets_a_sparsity_for_every_layer(network: Network) -> None:
    run: Any = Record()
    targets = Targets(TargetOptions(target_macs=0.6), network, round_to=1)
    schedule = targets.direct(load_schedule(default_schedule("resnet", "ep")), run)
    assert len(schedule.in_section("pruners")) > 4
    assert "with targets" in schedule.source
    assert load_schedule(schedule.as_mapping()) == schedule
    assert run.texts["target.txt"].startswith("after thinning: macs 0.")
    assert "final_sparsity" in run.texts["target_schedule.yaml"]


def test_a_network_that_costs_more_in_the_end_is_refused(network: Network) -> None:
    run: Any = Record()
    targets = Targets(TargetOptions(target_macs=0.6, target_params=0.9), network, round_to=1)
    with pytest.raises(ScheduleError, match=r"target_macs: 0.6: .* 1.0000: nothing was registered"):
        targets.check(network, run)
    targets.check(thinned(network, 0.5), run)
    assert "macs: 0." in run.texts["target_met.txt"]


@pytest.mark.slow
def test_a_latency_is_measured_on_what_export_would_write(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def measure(made: Network, provider: str) -> Any:
        plan = read_plan(made.model)
        asked.append((provider, plan and plan.target))
        filters = made.model.get_parameter("conv1.weight").shape[0]
        return SimpleNamespace(p50_ms=filters, rounds_ms=(float(filters),) * 10, runtime="made up")

    monkeypatch.setattr(module, "measure_exported", measure)
    run: Any = Record()
    options = TargetOptions(target_latency_ms=5.0, target_provider="openvino")
    targets = Targets(options, network, round_to=1)
    targets.direct(load_schedule(default_schedule("resnet", "ep,qat")), run)
    assert set(asked) == {("openvino", "cpu")}
    assert run.texts["target.txt"].startswith("after thinning: latency_ms 5")
    with pytest.raises(ScheduleError, match="target_latency_ms: 5: .* 8.00 ms"):
        targets.check(network, run)
    targets.check(thinned(network, 0.5), run)
    assert "latency: 4.00 ms on made up, target 5 ms" in run.texts["target_met.txt"]


def test_what_nobody_can_meet_is_said_before_anything_is_trained(network: Network) -> None:
    run: Any = Record()
    targets = Targets(TargetOptions(target_params=0.001), network, round_to=1)
    with pytest.raises(
        ScheduleError, match=r"target params 0.001 \(at best 0\.\d+\) cannot be met"
    ):
        targets.direct(load_schedule(default_schedule("resnet", "ep")), run)


class TestSensitivity:
    def test_curves_as_the_analysis_writes_them(self, tmp_path: Path) -> None:
        path = tmp_path / "curves.csv"
        path.write_text(
            "parameter,sparsity,top1,top5,loss\na.weight,0.0,90,99,1\na.weight,0.5,80,98,2\n"
        )
        assert read_sensitivity(path) == {"a.weight": {0.0: 90.0, 0.5: 80.0}}

    def test_a_byte_order_mark_is_passed_over(self, tmp_path: Path) -> None:
        path = tmp_path / "summary.csv"
        path.write_text("\ufeffName,Type,Sparsity\na,Conv3d,0\n", "utf-8")
        assert read_sensitivity(path) == {"a.weight": {0.0: 1.0}}

    def test_a_proposal_is_half_of_what_a_layer_may_lose(self, tmp_path: Path) -> None:
        path = tmp_path / "summary.csv"
        path.write_text("Name,Type,Sparsity\na,Conv3d,0.4\nb.weight,Conv3d,0\n")
        assert read_sensitivity(path) == {
            "a.weight": {0.0: 1.0, 0.4: 0.5, 1.0: 0.0},
            "b.weight": {0.0: 1.0},
        }

    def test_none_is_nothing(self) -> None:
        assert read_sensitivity(None) == {}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("x,y\n1,2\n", "has the columns x, y: expected parameter,sparsity,top1"),
            ("", "has the columns none"),
            ("parameter,sparsity,top1\na.weight,half,90\n", "could not convert"),
            ("parameter,sparsity,top1\na.weight,nan,90\n", "sparsity is 'nan'"),
            ("parameter,sparsity,top1\na.weight,0.5,nan\n", "top1 is 'nan'"),
            ("parameter,sparsity,top1\na.weight,0.5,inf\n", "top1 is 'inf'"),
            ("Name,Type,Sparsity\na,Conv3d,1.5\n", "Sparsity is '1.5'"),
            ("Name,Type,Sparsity\na,Conv3d,0.5,more\n", "more or fewer cells"),
            ("Sparsity,Name\n0.5\n", "more or fewer cells"),
        ],
    )
    def test_other_files_are_refused(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "other.csv"
        path.write_text(text)
        with pytest.raises(ScheduleError, match=message):
            read_sensitivity(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ScheduleError, match="none.csv: cannot be read"):
            read_sensitivity(tmp_path / "none.csv")
