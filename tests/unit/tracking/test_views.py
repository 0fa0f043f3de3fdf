"""The saved view is offered once; artifacts and measurements of earlier runs are found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import mlflow
import pytest

from vcc.config.metrics import METRICS
from vcc.errors import TrackingError
from vcc.tracking.registry import Version
from vcc.tracking.views import (
    DENSE_METHOD,
    MeasuredRun,
    artifact_folder,
    artifact_text,
    find_artifact,
    find_experiment,
    measured_by,
    measured_runs,
    recorded_run,
    runs_of_experiment,
    save_view,
)

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


def test_a_run_is_read_back_with_its_parent(store: mlflow.MlflowClient) -> None:
    run_id = finished(store, {"mlflow.parentRunId": "p", "step": "export"}, MEASURED)
    found = recorded_run(run_id)
    assert found is not None
    assert (found.metrics, found.parent, found.tags["step"]) == (MEASURED, "p", "export")
    assert recorded_run("gone") is recorded_run(None) is None


def test_an_experiment_is_found_by_name_and_id(store: mlflow.MlflowClient) -> None:
    made = store.create_experiment("toys")
    run_id = str(store.create_run(made).info.run_id)
    finished(store, {})
    assert find_experiment("toys") == find_experiment(made) == made
    assert runs_of_experiment(made) == {run_id}
    with pytest.raises(TrackingError, match="none named 'tosy': did you mean toys"):
        find_experiment("tosy")


def test_the_run_that_measured_a_version_last_is_found(store: mlflow.MlflowClient) -> None:
    model_id = store.create_logged_model("0", name="checkpoint").model_id
    version = Version(name="net", number=1, model_id=model_id, created_ms=0, tags={})
    assert measured_by(version, "video_top1") is None
    runs = [str(store.create_run("0").info.run_id) for _ in range(2)]
    for moment, run_id in enumerate(reversed(runs)):
        store.log_metric(run_id, "video_top1", 0.5, timestamp=moment, model_id=model_id)
    assert measured_by(version, "video_top1") == runs[0]
    nobody = Version(name="net", number=1, model_id=None, created_ms=0, tags={})
    assert measured_by(nobody, "video_top1") is None


def test_artifacts_are_read_where_they_are(store: mlflow.MlflowClient, tmp_path: Path) -> None:
    experiment = store.create_experiment("toys", (tmp_path / "store").as_uri())
    run_id = str(store.create_run(experiment).info.run_id)
    store.log_text(run_id, "b", "flips/b.txt")
    store.log_text(run_id, "a", "flips/a.txt")
    assert artifact_text(run_id, "flips/a.txt") == "a"
    assert artifact_text(run_id, "none.txt") is artifact_text(None, "flips/a.txt") is None
    names = [path.name for path in artifact_folder(run_id, "flips", into=tmp_path)]
    assert names == ["a.txt", "b.txt"]
    assert artifact_folder(run_id, "none", into=tmp_path) == []
    assert artifact_folder(None, "flips", into=tmp_path) == []
