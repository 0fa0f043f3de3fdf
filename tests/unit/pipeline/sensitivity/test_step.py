"""The sensitivity step on tiny data: what it writes, and that `compress` takes it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import torch

from vcc.compression import load_schedule, sparsity_table
from vcc.config.compression import CompressionOptions
from vcc.config.entrypoints import SensitivityEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError, DataError, ScheduleError
from vcc.pipeline.card import Network
from vcc.pipeline.commands.sensitivity import _next_command, run_sensitivity
from vcc.pipeline.compress.recipe import recipe_for
from vcc.pipeline.compress.step import compress_step
from vcc.pipeline.compress.targets import read_sensitivity
from vcc.pipeline.evaluate.dev_measure import DevMeasure, draw_videos
from vcc.pipeline.sensitivity.step import sensitivity_step
from vcc.pipeline.sensitivity.summary import schedule_of_options


def entry(folder: Path, **options: Any) -> SensitivityEntry:
    values = {"level_step": 0.45, "n_threads": 0, "max_drop": 1.0}
    return SensitivityEntry(summary_path=folder / "summary.csv", **{**values, **options})


@pytest.mark.parametrize("group", ["element", "filter"])
def test_it_writes_what_compress_takes(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path, group: str
) -> None:
    before = {name: value.clone() for name, value in network.model.state_dict().items()}
    written = sensitivity_step(network, dataset, entry(tmp_path, group=group), run=run)

    summary, schedule = tmp_path / "summary.csv", tmp_path / f"summary.{group}.yaml"
    curves = tmp_path / "summary.curves.csv"
    assert written == [curves, summary, schedule]
    assert curves.read_text() == run.texts["sensitivity.csv"]
    assert "conv1.weight" in read_sensitivity(curves)
    assert all(
        torch.equal(value, before[name]) for name, value in network.model.state_dict().items()
    )
    rows = list(csv.DictReader(io.StringIO(run.texts["sensitivity.csv"])))
    convolutions = [row["parameter"] for row in rows if row["sparsity"] == "0.9"]
    assert ("fc.weight" in convolutions) == (group == "element")
    assert [row["sparsity"] for row in rows[:3]] == ["0.0", "0.45", "0.9"]
    assert len(rows) == 3 * len(convolutions)
    # a drop of all accuracy is allowed, so the highest level is proposed for every layer
    lines = summary.read_text().splitlines()
    assert lines[:2] == ["Name,Type,Sparsity", "conv1,Conv3d,0.9"]
    assert len(lines) == 1 + len(convolutions)
    assert set(run.files) >= {
        f"sensitivity/{name}"
        for name in ("sensitivity.csv", "sensitivity.png", "summary.csv", schedule.name)
    }
    assert run.metrics["proposed_sparsity"] == [pytest.approx(0.9)]
    assert "The proposal takes 90.0% of these layers' weights." in run.tags["description"]
    assert len(run.metrics["sensitivity.conv1"]) == 3
    assert 0 <= run.metrics["dev_video_top1"][0] <= 1

    options = CompressionOptions(summary_path=summary, summary_group=group)
    recipe = recipe_for(network, options, n_epochs=None, learning_rate=None, parent=None)
    assert recipe.schedule == schedule
    kinds = {part.class_name for part in load_schedule(schedule).in_section("pruners")}
    assert kinds == {
        "SparsityLevelParameterPruner"
        if group == "element"
        else "L1RankedStructureParameterPruner_AGP"
    }


def test_compress_prunes_by_a_summary(
    dataset: PreparedDataset, network: Network, run: Any, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.csv"
    summary.write_text("Name,Type,Sparsity\nconv1,Conv3d,0.5\nlayer4.0.conv2,Conv3d,0.75\n")
    options = CompressionOptions(summary_path=summary)
    recipe = recipe_for(network, options, n_epochs=1, learning_rate=None, parent=None)
    made = compress_step(network, dataset, recipe, run=run)
    shares = {row.name: row.sparsity for row in sparsity_table(made.model)}
    assert shares["conv1.weight"] == pytest.approx(0.5, abs=0.01)
    assert shares["layer4.0.conv2.weight"] == pytest.approx(0.75, abs=0.01)
    assert shares["layer1.0.conv1.weight"] == 0
    assert made.card.method == "ep"
    assert "schedule/summary.element.yaml" in run.files


def test_nothing_proposed_makes_no_schedule(
    dataset: PreparedDataset,
    network: Network,
    run: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    options = entry(tmp_path, level_stop=0.01, max_drop=0.001)
    written = sensitivity_step(network, dataset, options, run=run)
    assert written == [tmp_path / "summary.curves.csv", tmp_path / "summary.csv"]
    assert "max_drop: 0.001 is less than one of" in caplog.text
    with pytest.raises(ScheduleError, match="nothing to prune"):
        schedule_of_options(network, CompressionOptions(summary_path=tmp_path / "summary.csv"))


def test_the_draw_depends_on_the_seed_alone(dataset: PreparedDataset) -> None:
    def names(seed: int) -> list[str]:
        drawn = draw_videos(dataset, "train", n_videos=5, seed=seed)
        assert drawn.videos("dev") == ()
        return [record.id for record in drawn.videos("train")]

    assert len(names(1)) == 5
    assert names(1) == names(1)
    assert names(1) != names(2)
    everything = draw_videos(dataset, "train", n_videos=10**6, seed=1).videos("train")
    assert everything == dataset.videos("train")


def test_dev_is_what_is_measured(dataset: PreparedDataset, network: Network) -> None:
    options: dict[str, Any] = {"seed": 1, "no_cuda": True, "n_threads": 0}
    measure = DevMeasure(network, dataset, n_videos=3, **options)
    assert measure.n_videos == min(3, len(dataset.videos("dev")))
    first = measure(network.model.train())
    assert network.model.training
    assert measure(network.model) == first
    empty = draw_videos(dataset, "train", n_videos=3, seed=1)
    with pytest.raises(DataError, match="no dev videos"):
        DevMeasure(network, empty, n_videos=3, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level_start": 0.5, "level_stop": 0.5}, "level_stop: 0.5 leaves no level from 0.5 on"),
        ({"summary_path": "."}, "is a folder"),
    ],
)
def test_bad_options_end_before_anything_starts(options: dict[str, Any], message: str) -> None:
    options = {**options, "summary_path": Path(options.get("summary_path", "summary.csv"))}
    with pytest.raises(ConfigError, match=message):
        run_sensitivity(SensitivityEntry(**options))


def test_a_summary_excludes_what_it_cannot_mean(network: Network, tmp_path: Path) -> None:
    summary = tmp_path / "summary.csv"
    summary.write_text("Name,Type,Sparsity\nconv1,Conv3d,0.5\n")
    with pytest.raises(ConfigError, match="leave one"):
        schedule_of_options(
            network, CompressionOptions(summary_path=summary, schedule=tmp_path / "s.yaml")
        )
    with pytest.raises(ConfigError, match="compression_type: qat"):
        schedule_of_options(
            network, CompressionOptions(summary_path=summary, compression_type=("ep", "qat"))
        )


def test_the_next_command_starts_from_the_same_network() -> None:
    by_source = _next_command(
        SensitivityEntry(source="models:/a b/1", group="filter", summary_path=Path("s.csv"))
    )
    assert by_source.endswith(
        " -P 'source=models:/a b/1' -P summary_path=s.csv -P summary_group=filter"
    )
    by_name = _next_command(SensitivityEntry(model="csn"))
    assert by_name.endswith(" -P model=csn -P summary_path=summary.csv")
