"""A saved view of the experiment, and what runs measured and left.

MLflow 3.17 opens an experiment with the columns Source, Models and Dataset; no tag changes that.
It does offer saved views, which are experiment tags: name, times, and the page's state as JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow

from vcc.errors import TrackingError, nearest
from vcc.tracking.registry import Version

# The results tree of the thesis calls a dense network's method so.
DENSE_METHOD = "benchmark"
_VIEW = "vcc-variants"
_TAG = f"mlflow.sharedViewState.{_VIEW}"
_COLUMNS = (
    "metrics.`video_top1`",
    "metrics.`video_top1_drop`",
    "metrics.`latency_p50_ms`",
    "metrics.`speedup`",
    "metrics.`size_bytes`",
    "metrics.`params`",
    "tags.`method`",
    "tags.`runtime`",
)
# Pixels; MLflow would give each metric 100 whatever its name.
_WIDTHS = {"metrics.`video_top1_drop`": 130, "metrics.`latency_p50_ms`": 130}


@dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """A run that measured an exported file: its name, runtime, accuracy, latency and size."""

    name: str
    runtime: str
    video_top1: float
    latency_p50_ms: float
    size_bytes: float


def save_view(experiment_id: str) -> str:
    """Offer the view `vcc variants` in an experiment, once; return its page below the server's URL.

    A view that somebody changed since is left alone.
    """
    client = mlflow.MlflowClient()
    if _TAG not in client.get_experiment(experiment_id).tags:
        now = int(1000 * time.time())
        state = {
            "selectedColumns": list(_COLUMNS),
            "columnOrder": list(_COLUMNS),
            "columnWidths": _WIDTHS,
        }
        view = {"name": "vcc variants", "createdAt": now, "updatedAt": now}
        value = json.dumps({**view, "state": json.dumps(state)})
        client.set_experiment_tag(experiment_id, _TAG, value)
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={_VIEW}"


def find_artifact(
    experiment_id: str, name: str, *, step: str, arch: str, data_digest: str, into: Path
) -> Path | None:
    """Fetch an artifact of the newest finished run of a step on a network's data.

    Args:
        experiment_id: where the runs are.
        name: path of the artifact in the run.
        step: such as "sensitivity".
        arch: of the network.
        data_digest: of the prepared data.
        into: folder for the file.

    Returns:
        The file; None where there is no such run, or it has no such artifact.
    """
    found = mlflow.MlflowClient().search_runs(
        [experiment_id],
        f"tags.step = '{step}' and tags.arch = '{arch}' and tags.data_digest = '{data_digest}' "
        "and attributes.status = 'FINISHED'",
        max_results=1,
    )
    if not found:
        return None
    try:
        uri = f"runs:/{found[0].info.run_id}/{name}"
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into)))
    except (mlflow.MlflowException, OSError):
        return None


def measured_runs(experiment_id: str, *, data_digest: str, parent: str) -> Sequence[MeasuredRun]:
    """Return the finished export runs of an experiment on the same data, newest first.

    Args:
        experiment_id: where the runs are.
        data_digest: of the prepared data.
        parent: run whose children are called as its table calls them, "dense" and "compressed";
            others have the network's name and the method, too.
    """
    found = mlflow.MlflowClient().search_runs(
        [experiment_id],
        f"tags.step = 'export' and tags.data_digest = '{data_digest}' and "
        "attributes.status = 'FINISHED'",
        max_results=200,
    )
    return [
        MeasuredRun(
            name=_name_of(run.data.tags, parent),
            runtime=run.data.tags.get("runtime", "unknown"),
            video_top1=run.data.metrics["video_top1"],
            latency_p50_ms=run.data.metrics["latency_p50_ms"],
            size_bytes=run.data.metrics["size_bytes"],
        )
        for run in found
        if {"video_top1", "latency_p50_ms", "size_bytes"} <= set(run.data.metrics)
    ]


def _name_of(tags: Mapping[str, str], parent: str) -> str:
    arch, method = tags.get("arch", ""), tags.get("method", "")
    if not method:
        return arch
    role = "dense" if method == DENSE_METHOD else "compressed"
    if tags.get("mlflow.parentRunId") == parent:
        return role
    how = "" if role == "dense" else f" by {method}"
    return f"{arch} {role}{how}".strip()


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """What a run recorded: its figures, its tags, and the run that it is a child of."""

    run_id: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]

    @property
    def parent(self) -> str | None:
        """The id of the parent run; None for a run that is nobody's child."""
        return self.tags.get("mlflow.parentRunId")


def recorded_run(run_id: str | None) -> RecordedRun | None:
    """Return what a run recorded; None where there is no such run any more."""
    if not run_id:
        return None
    try:
        run = mlflow.MlflowClient().get_run(run_id)
    except mlflow.MlflowException:
        return None
    return RecordedRun(run_id=run_id, metrics=dict(run.data.metrics), tags=dict(run.data.tags))


def registry_address() -> str:
    """Return the address of the registry that is asked."""
    return str(mlflow.get_registry_uri())


def find_experiment(name: str) -> str:
    """Return the id of an experiment by its name or id.

    Raises:
        TrackingError: there is none.
    """
    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    known = {str(each.experiment_id): str(each.name) for each in client.search_experiments()}
    if name in known:
        return name
    msg = (
        f"experiment: {mlflow.get_tracking_uri()} has none named {name!r}: "
        f"{nearest(name, known.values())}"
    )
    raise TrackingError(msg)


def runs_of_experiment(experiment_id: str) -> frozenset[str]:
    """Return the ids of an experiment's runs."""
    client = mlflow.MlflowClient()
    found: set[str] = set()
    token = None
    while True:
        page = client.search_runs([experiment_id], max_results=1000, page_token=token)
        found |= {str(run.info.run_id) for run in page}
        token = page.token
        if not token:
            return frozenset(found)


def measured_by(version: Version, figure: str) -> str | None:
    """Return the run that measured a figure of a version last; None where none did.

    Args:
        version: whose logged model has the figure.
        figure: such as "video_top1".
    """
    if version.model_id is None:
        return None
    try:
        model = mlflow.MlflowClient().get_logged_model(version.model_id)
    except mlflow.MlflowException:
        return None
    found = [each for each in model.metrics or () if each.key == figure and each.run_id]
    newest = max(found, key=lambda each: each.timestamp, default=None)
    return None if newest is None else str(newest.run_id)


def artifact_text(run_id: str | None, name: str) -> str | None:
    """Return a text artifact of a run; None where the run has none of that name."""
    if not run_id:
        return None
    try:
        return str(mlflow.artifacts.load_text(f"runs:/{run_id}/{name}"))
    except (mlflow.MlflowException, OSError, UnicodeDecodeError):
        return None


def artifact_folder(run_id: str | None, name: str, *, into: Path) -> list[Path]:
    """Fetch a folder of a run's artifacts and return its files by name; none where it has none."""
    if not run_id:
        return []
    try:
        uri = f"runs:/{run_id}/{name}"
        made = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(into))
    except (mlflow.MlflowException, OSError):
        return []
    return sorted(path for path in Path(made).rglob("*") if path.is_file())
