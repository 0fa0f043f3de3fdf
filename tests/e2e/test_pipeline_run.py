"""The whole path by `mlflow run`, on tiny data; then single entry points on what it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import pytest
import torch
from commands import run_command
from served_network import tracking
from watched import connections_outside, forks_beside_threads, traces, watching

from entrypoints.evaluate import main as evaluate
from entrypoints.export import main as export
from vcc.config.distillation import DistillationOptions
from vcc.config.entrypoints import CompressEntry, EvaluateEntry, ExportEntry
from vcc.data.store.prepared import find_prepared
from vcc.errors import DataError, TrackingError
from vcc.pipeline.commands.compress import run_compress
from vcc.pipeline.compress.teacher import TeacherFinder
from vcc.pipeline.source import fetch_network
from vcc.tracking.registry import get_version

ROOT = Path(__file__).resolve().parents[2]

TINY = {
    "motion_classes": "3",
    "motion_clips": "1",
    "sample_size": "32",
    "sample_duration": "4",
    "short_side": "36",
    "width_mult": "0.25",
    "n_epochs": "1",
    "pass_marks": "off",
    "latency_runs": "5",
}


def environment(folder: Path) -> dict[str, str]:
    """Return an environment that finds this Python first and tracks into `folder`, watched."""
    return {
        **watching(folder, os.environ),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "OMP_NUM_THREADS": "1",
    }


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run_command(
        words,
        cwd=ROOT,
        env=environment(folder),
    )


def entry(folder: Path, name: str, **options: str) -> subprocess.CompletedProcess[str]:
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    return call(folder, sys.executable, "-m", f"entrypoints.{name}", *words)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("pipeline")
    options = {**TINY, "root_path": str(folder / "data"), "results": str(folder / "results")}
    parameters = [word for key, value in options.items() for word in ("-P", f"{key}={value}")]
    # As `make` does: this program is MLflow's, and starts before any code of this project.
    silent = ("env", "MLFLOW_DISABLE_TELEMETRY=true")
    words = (sys.executable, "-m", "mlflow", "run", ".", "--env-manager", "local", *parameters)
    done = call(folder, *silent, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def without_baseline(pipeline: tuple[Path, str]) -> subprocess.CompletedProcess[str]:
    """A command that has nothing to begin with, started like any other: without `env`."""
    folder, _ = pipeline
    return entry(folder, "compress", model="csn", root_path=str(folder / "data"))


def test_it_ends_with_the_table_and_the_ui_command(pipeline: tuple[Path, str]) -> None:
    _, printed = pipeline
    for row in ("parameters", "MACs per clip", "file size", "video top-1", "speed-up at p50"):
        assert row in printed
    assert "mlflow ui --backend-store-uri sqlite" in printed


def test_a_parent_run_has_a_child_per_step(pipeline: tuple[Path, str]) -> None:
    folder, _ = pipeline
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    runs = client.search_runs(["0"])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert [run.data.tags["step"] for run in parents] == ["pipeline"]
    steps = sorted(run.data.tags["step"] for run in runs if run not in parents)
    assert steps == sorted(
        ["prepare", "train", "compress", "evaluate", "evaluate", "export", "export", "register"]
    )
    assert all(run.info.status == "FINISHED" for run in runs)
    figures = parents[0].data.metrics
    assert figures["params"] < 913_779
    assert {"macs", "video_top1", "clip_top1", "size_bytes", "latency_p50_ms"} <= set(figures)


def test_both_networks_are_registered_in_every_form(pipeline: tuple[Path, str]) -> None:
    folder, _ = pipeline
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    name = "vcc-resnet10b-0.25-motion"
    for model in (name, f"{name}-onnx", f"{name}-video"):
        aliases = client.get_registered_model(model).aliases
        assert {key: int(value) for key, value in aliases.items()} == {
            "baseline": 1,
            "challenger": 2,
        }
    checkpoint = client.get_model_version_by_alias(name, "challenger")
    graph = client.get_model_version_by_alias(f"{name}-onnx", "challenger")
    video = client.get_model_version_by_alias(f"{name}-video", "challenger")
    assert checkpoint.tags["export_id"] == graph.tags["export_id"] == video.tags["export_id"]
    assert checkpoint.tags["parent"] == f"models:/{name}/1"


def test_the_results_tree_is_the_thesis_s(pipeline: tuple[Path, str]) -> None:
    folder, _ = pipeline
    for kind in ("benchmark", "ep"):
        (written,) = (folder / "results" / kind).iterdir()
        results = json.loads((written / "val.json").read_text())["results"]
        assert len(results) == 21
        assert all(len(rows) == 3 for rows in results.values())
        assert (written / "accuracy.txt").read_text().startswith("Top-1 Accuracy: ")
        assert json.loads((written / "opts.json").read_text())["labels"]


@pytest.mark.slow
def test_compress_finds_everything_by_the_model_s_name(pipeline: tuple[Path, str]) -> None:
    folder, _ = pipeline
    done = entry(folder, "compress", model="resnet", root_path=str(folder / "data"), n_threads="0")
    assert done.returncode == 0, done.stderr
    assert "registered models:/vcc-resnet10b-0.25-motion/3 as challenger" in done.stdout


@pytest.mark.slow
def test_a_missing_baseline_names_the_command(
    without_baseline: subprocess.CompletedProcess[str],
) -> None:
    assert without_baseline.returncode == 8
    (line,) = without_baseline.stderr.strip().splitlines()
    assert line.startswith("error: no baseline of csn is registered for the data set motion")
    assert "mlflow run . -e train --env-manager local -P model=csn" in line


def test_missing_data_names_the_command(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match="mlflow run . -e prepare") as caught,
        tracking(f"sqlite:///{tmp_path / 'mlflow.db'}"),
    ):
        run_compress(CompressEntry(model="resnet", root_path=tmp_path / "none"))
    assert caught.value.exit_code == 3


def test_evaluate_takes_a_registered_version(
    pipeline: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = pipeline
    # In this process: starting one more takes longer than the rest.
    options: dict[str, Any] = {"model": "resnet", "root_path": folder / "data", "n_threads": 0}
    with tracking(f"sqlite:///{folder / 'mlflow.db'}"):
        evaluate(EvaluateEntry(alias="baseline", results=folder / "again", **options))
    printed = capsys.readouterr().out
    assert "models:/vcc-resnet10b-0.25-motion/1 on 21 test videos" in printed
    (first,) = (folder / "results" / "benchmark").iterdir()
    (again,) = (folder / "again" / "benchmark").iterdir()
    assert (again / "accuracy.txt").read_text() == (first / "accuracy.txt").read_text()


@pytest.mark.slow
def test_export_takes_a_registered_version(
    pipeline: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = pipeline
    options: dict[str, Any] = {"model": "resnet", "root_path": folder / "data", "n_threads": 0}
    with tracking(f"sqlite:///{folder / 'mlflow.db'}"):
        export(
            ExportEntry(
                source="models:/vcc-resnet10b-0.25-motion/2",
                output=folder / "exported",
                latency_runs=5,
                # the whole path above printed it
                latency_table=False,
                **options,
            )
        )
    # The dense parent stands beside it: a speed-up is only claimed within one run.
    assert "dense" in capsys.readouterr().out
    assert [path.name for path in (folder / "exported").iterdir()] == [
        "resnet10b-0.25-motion-compressed.onnx"
    ]


@pytest.mark.slow
def test_sensitivity_leaves_its_table_picture_and_proposal(pipeline: tuple[Path, str]) -> None:
    folder, _ = pipeline
    summary = folder / "summary.csv"
    done = entry(
        folder,
        "sensitivity",
        model="resnet",
        root_path=str(folder / "data"),
        n_threads="0",
        level_step="0.45",
        max_drop="1",
        summary_path=str(summary),
    )
    assert done.returncode == 0, done.stderr
    assert "next: mlflow run . -e compress --env-manager local -P model=resnet" in done.stdout
    assert summary.read_text().startswith("Name,Type,Sparsity\nconv1,Conv3d,0.9\n")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    (run,) = client.search_runs(["0"], "tags.step = 'sensitivity'")
    left = {artifact.path for artifact in client.list_artifacts(run.info.run_id, "sensitivity")}
    names = ("sensitivity.csv", "sensitivity.png", "summary.csv", "summary.element.yaml")
    assert left == {f"sensitivity/{name}" for name in names}
    assert {"dev_video_top1", "proposed_sparsity", "sensitivity.fc"} <= set(run.data.metrics)


def test_a_registered_model_teaches_by_alias_number_and_architecture(
    pipeline: tuple[Path, str],
) -> None:
    folder, _ = pipeline
    name = "vcc-resnet10b-0.25-motion"
    pixels = torch.randint(0, 256, (2, 3, 4, 32, 32), dtype=torch.uint8)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    try:
        dense, compressed = (
            fetch_network(get_version(f"models:/{name}/{number}")) for number in (1, 2)
        )
        dataset = find_prepared(folder / "data")
        finder = TeacherFinder(compressed, dataset, DistillationOptions())
        with torch.no_grad():
            expected = dense.classifier().eval()(pixels)
            for named in (
                f"models:/{name}@baseline",
                f"models:/{name}/1",
                {"path": f"models:/{name}@baseline"},
                {"model": "resnet", "model_depth": 10},
            ):
                torch.testing.assert_close(finder(named)(pixels), expected)
            # an option wins over what the schedule names
            options = DistillationOptions(t_path=f"models:/{name}@baseline")
            by_option = TeacherFinder(compressed, dataset, options)
            torch.testing.assert_close(by_option(f"models:/{name}/2")(pixels), expected)
        for missing, message in (
            (f"models:/{name}@nobody", "not in the registry"),
            (f"models:/{name}", "is written as models:/NAME@ALIAS"),
            ({"model": "resnet", "model_depth": 50}, "no baseline of resnet"),
        ):
            with pytest.raises(TrackingError, match=message):
                finder(missing)
    finally:
        mlflow.set_tracking_uri(before)


# Of that command, too, in which nothing but the project's own code switches telemetry off.
@pytest.mark.usefixtures("without_baseline")
def test_nothing_left_the_machine_and_nothing_was_forked_beside_threads(
    pipeline: tuple[Path, str],
) -> None:
    folder, _ = pipeline
    assert connections_outside(folder) == []
    assert forks_beside_threads(folder) == []
    assert traces(folder) == []
