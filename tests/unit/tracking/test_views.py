"""The saved view is offered once; artifacts and measurements of earlier runs are found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import mlflow

from vcc.config.metrics import METRICS
from vcc.tracking.views import DENSE_METHOD, MeasuredRun, find_artifact, measured_runs, save_view

MEASURED = {"video_top1": 0.5, "latency_p50_ms": 3.0, "size_bytes": 7.0}


def finished(
    client: mlflow.MlflowClient,
    tags: Mapping[str, str],
    metrics: Mapping[str, float] | None = None,
    *,
    status: str = "FINISHED",
) -> str:
    """Make a run and return its id."""
    run = client.create_run("0", tags=dict(tags))
    for name, value in (metrics or {}).items():
        client.log_metric(run.info.run_id, name, value)
    client.set_terminated(run.info.run_id, status)
    return str(run.info.run_id)


def test_the_view_is_offered_once_and_shows_figures_that_there_are(
    store: mlflow.MlflowClient,
) -> None:
    assert save_view("0") == "#/experiments/0/runs?viewStateShareKey=vcc-variants"
    ((tag, value),) = store.get_experiment("0").tags.items()
    view = json.loads(value)
    assert view["name"] == "vcc variants"
    columns = json.loads(view["state"])["selectedColumns"]
    figures = [name.split("`")[1] for name in columns if name.startswith("metrics.")]
    assert figures
    assert set(figures) <= set(METRICS)
    # What somebody made of it since stays.
    store.set_experiment_tag("0", tag, "changed")
    save_view("0")
    assert store.get_experiment("0").tags[tag] == "changed"


def test_an_artifact_is_that_of_the_newest_finished_run(
    store: mlflow.MlflowClient, tmp_path: Path
) -> None:
    tags = {"step": "sensitivity", "arch": "toy", "data_digest": "d"}

    def add(text: str, *, status: str = "FINISHED", **changes: str) -> None:
        (folder := tmp_path / "made").mkdir(exist_ok=True)
        (folder / "curves.csv").write_text(text)
        experiment = store.get_experiment("0")
        assert experiment is not None
        run_id = finished(store, {**tags, **changes}, status=status)
        with mlflow.start_run(run_id=run_id):
            mlflow.log_artifact(str(folder / "curves.csv"))
        store.set_terminated(run_id, status)

    def found(name: str = "curves.csv", **changes: str) -> Path | None:
        return find_artifact("0", name, **{**tags, **changes}, into=tmp_path)  # type: ignore[arg-type]

    assert found() is None
    add("old")
    add("new")
    add("failed", status="FAILED")
    add("another", arch="other")
    file = found()
    assert file is not None
    assert file.read_text() == "new"
    assert found("nothing.csv") is None
    assert found(data_digest="another") is None


def test_only_exports_that_measured_everything_are_compared(store: mlflow.MlflowClient) -> None:
    tags = {"step": "export", "data_digest": "d", "arch": "toy"}
    finished(store, {**tags, "method": "pruned", "runtime": "cpu"}, MEASURED)
    finished(store, tags, MEASURED | {"video_top1": 0.75})
    finished(store, tags, {"video_top1": 1.0})
    finished(store, {**tags, "data_digest": "another"}, MEASURED)
    finished(store, tags, MEASURED, status="RUNNING")
    assert measured_runs("0", data_digest="d", parent="p") == [
        MeasuredRun(name="toy", runtime="unknown", **MEASURED | {"video_top1": 0.75}),
        MeasuredRun(name="toy compressed by pruned", runtime="cpu", **MEASURED),
    ]


def test_a_pipeline_s_own_runs_are_called_as_its_table_calls_them(
    store: mlflow.MlflowClient,
) -> None:
    tags = {"step": "export", "data_digest": "d", "arch": "toy"}
    for method in ("ep", DENSE_METHOD):
        for parent in ("ours", "theirs"):
            finished(store, {**tags, "method": method, "mlflow.parentRunId": parent}, MEASURED)
    names = [run.name for run in measured_runs("0", data_digest="d", parent="ours")]
    assert sorted(names) == ["compressed", "dense", "toy compressed by ep", "toy dense"]
