"""A saved view of the experiment, and what its runs measured.

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
