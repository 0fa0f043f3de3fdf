"""A registry of three versions and the runs that made, evaluated and exported them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
from databases import new_database
from mlflow.entities.model_registry import ModelVersion

from vcc.evaluation.predictions import Prediction, predictions_csv

BASE = "vcc-toy-motion"
DENSE, THIN, INT8 = (f"models:/{BASE}/{number}" for number in (1, 2, 3))
DIGEST = "d" * 40
LABELS = ("left", "right")
# Of eight videos, four of each class: who is wrong where.
_WRONG = {1: {"v7"}, 2: {"v0", "v7"}, 3: {"v0", "v1"}}
_SCHEDULE = "pruners:\n  p:\n    class: {}\n    weights: ['*']\n"


@dataclass(frozen=True)
class ComparedRegistry:
    """Where it is, and the experiments that its versions were made in."""

    folder: Path
    uri: str
    experiment: str
    other: str


def make_compared(folder: Path) -> ComparedRegistry:
    """Make it in a folder, as the registry in use: a dense network, a thin one, an int8 one.

    The thin one is champion, passed the gate and was made in `experiment` like the dense one; the
    int8 one is challenger, failed, and was made in `other`.
    """
    uri = new_database(folder)
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    own, other = (
        client.create_experiment(name, (folder / name).as_uri()) for name in ("toys", "more toys")
    )
    for suffix in ("", "-onnx"):
        client.create_registered_model(BASE + suffix)
    maker = _Maker(client, folder)
    maker.add(1, own, role="dense", params="1000", macs="2e+06", sparsity="0")
    maker.add(
        2,
        own,
        role="compressed",
        parent=DENSE,
        lineage=f"{DENSE} > masked > thinned",
        schedule="thin.yaml",
        params="500",
        macs="1e+06",
        sparsity="0",
        gate="passed",
        promoted_at="2026-11-30",
        promoted_by="ann",
        promoted_why="smaller",
    )
    maker.add(
        3,
        other,
        role="compressed",
        parent=THIN,
        lineage=f"{DENSE} > masked > thinned > {THIN} > quantized",
        schedule="int8.yaml",
        teacher=DENSE,
        params="500",
        macs="1e+06",
        sparsity="0.25",
        gate="failed",
        gate_misses="video top-1 75.0%, at least 80.0% wanted",
    )
    client.set_registered_model_alias(BASE + "-onnx", "champion", "2")
    client.set_registered_model_alias(BASE, "challenger", "3")
    return ComparedRegistry(folder, uri, own, other)


def copy_compared(made: ComparedRegistry, folder: Path) -> ComparedRegistry:
    """Return a registry of its own with the same content; the artifacts of `made` are shared."""
    shutil.copy(made.folder / "mlflow.db", folder)
    return replace(made, folder=folder, uri=f"sqlite:///{folder / 'mlflow.db'}")


def predictions(number: int) -> list[Prediction]:
    """Return what a version says of the eight videos."""
    rows = []
    for index in range(8):
        video, label = f"v{index}", LABELS[index // 4]
        right = video not in _WRONG[number]
        predicted = label if right else LABELS[1 - index // 4]
        score = 0.9 - 0.01 * index
        own = score if right else 1 - score
        rows.append(
            Prediction(
                video=video, label=label, predicted=predicted, right=right, score=score,
                label_score=own,
            )
        )  # fmt: skip
    return rows


@dataclass
class _Maker:
    client: mlflow.MlflowClient
    folder: Path

    def add(self, number: int, experiment: str, **tags: str) -> None:
        """Register a version with its graph, and the runs that made and measured them."""
        role = tags["role"]
        made = self._run(experiment)
        if role == "compressed":
            kind = "L1RankedStructureParameterPruner" if number == 2 else "Quantizer"
            self.client.log_text(made, _SCHEDULE.format(kind), "schedule/effective.yaml")
        model = self.client.create_logged_model(experiment, name="checkpoint", source_run_id=made)
        evaluated = self._run(experiment)
        table = predictions_csv(predictions(number))
        self.client.log_text(evaluated, table, "evaluation/predictions.csv")
        if role == "compressed":
            self.client.log_text(evaluated, "a picture", "evaluation/flips/00_lost.png")
        top1 = (8 - len(_WRONG[number])) / 8
        for name, value in {"video_top1": top1, "test_videos": 8.0}.items():
            self.client.log_metric(evaluated, name, value, model_id=model.model_id)
        shared = {"data_digest": DIGEST, "dataset": "motion"}
        version = self._version(
            "",
            {**shared, **tags, "run_id": made, "test_videos": "8",
             "video_top1": str(top1)},
            source=f"models:/{model.model_id}",
        )  # fmt: skip
        assert int(version.version) == number
        ms = {1: 30.0, 2: 15.0, 3: 10.0}[number]
        exported = self._run(
            experiment,
            {f"runtime_ms.{role}.onnxruntime_CPU.f32.b1": ms, "runtime_ms.dense.x.b1": 1.0,
             "runtime_ms.dense.onnxruntime_CPU.f32.b1": 30.0,
             f"runtime_ms.{role}.onnxruntime_CPU.f32.b8": 99.0},
        )  # fmt: skip
        # As in a pipeline: the graph names a child of the run that has the table.
        child = self._run(experiment, parent=exported)
        self._version(
            "-onnx",
            {**shared, "run_id": child, "checkpoint": f"models:/{BASE}/{number}",
             "video_top1": str(top1), "latency_p50_ms": str(ms),
             "size_bytes": str(4_000_000 // number), "runtime": "onnxruntime CPU",
             "precision": "f32"},
        )  # fmt: skip

    def _run(
        self,
        experiment: str,
        metrics: Mapping[str, float] | None = None,
        *,
        parent: str | None = None,
    ) -> str:
        tags = {"mlflow.parentRunId": parent} if parent else {}
        run_id = str(self.client.create_run(experiment, tags=tags).info.run_id)
        for name, value in (metrics or {}).items():
            self.client.log_metric(run_id, name, value)
        return run_id

    def _version(
        self, suffix: str, tags: Mapping[str, str], *, source: str | None = None
    ) -> ModelVersion:
        place = source or str(self.folder / "model")
        return self.client.create_model_version(BASE + suffix, place, tags=dict(tags))
