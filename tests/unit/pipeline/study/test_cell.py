"""A cell's result: its own figures, the dense ones beside them, and what made them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.export.benchmark import Latency
from vcc.export.runtime_table import Row, RuntimeTable
from vcc.models.summary import count_macs, count_parameters
from vcc.pipeline.card import Network
from vcc.pipeline.study import cell as module
from vcc.pipeline.study.cell import compute_cell

NAMES = (DENSE, "compressed")


def row(network: str, ms: float | None) -> Row:
    latency = None if ms is None else Latency(
        runtime="toy CPU", precision="f32", batch=1, runs=5, p50_ms=ms, p90_ms=ms, p95_ms=ms,
        p99_ms=ms, rounds_ms=(ms,),
    )  # fmt: skip
    return Row(network=network, runtime="toy CPU", precision="f32", batch=1, latency=latency,
               reason="" if latency else "no GPU")  # fmt: skip


def scores(*right: bool) -> VideoScores:
    labels = torch.zeros(len(right), dtype=torch.long)
    made = torch.tensor([[0.9, 0.1] if hit else [0.1, 0.9] for hit in right])
    return VideoScores(scores=made, labels=labels, clips=2, clip_top1=0.25, loss=1.0)


@pytest.fixture
def place(
    network: Network, dataset: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    answers = {"dense": scores(True, True), "compressed": scores(True, False)}

    @contextlib.contextmanager
    def scratch() -> Any:
        yield tmp_path

    def score_file(made: Network, path: Path, data: Any, where: Any) -> VideoScores:
        path.write_bytes(b"x" * (100 if path.stem == DENSE else 40))
        return answers[path.stem]

    def time_files(networks: Any, where: Any, folder: Path) -> RuntimeTable:
        rows = tuple(row(name, 2.0) for name in networks)
        return RuntimeTable(rows=(*rows, row(DENSE, None)), coverages=(), threads=1)

    monkeypatch.setattr(
        module,
        "networks_of",
        lambda cell, *_: dict.fromkeys(NAMES[: 1 + (cell.method != DENSE)], network),
    )
    monkeypatch.setattr(module, "scratch_folder", scratch)
    monkeypatch.setattr(module, "score_file", score_file)
    monkeypatch.setattr(module, "time_files", time_files)
    monkeypatch.setattr(module, "timed_shape", lambda *_: (3, 8, 16, 16))
    monkeypatch.setattr(module, "digest_of", lambda *_: "digest")
    monkeypatch.setattr(module, "training_seconds", lambda *_: 12.5)
    return SimpleNamespace(dataset_of=lambda cell: dataset)


def test_a_compressed_cell_has_the_dense_answers_beside_its_own(
    place: Any, network: Network, run: Any
) -> None:
    made = compute_cell(Cell("s1", "net", "pruned"), place, run, command="mlflow run")
    assert (made.key, made.settings, made.command) == ("net.pruned.s1", "digest", "mlflow run")
    assert (made.right, made.dense_right) == ("10", "11")
    assert (made.video_top1, made.clip_top1, made.size_bytes) == (0.5, 0.25, 40)
    assert made.params == count_parameters(network.model)
    # For the clips that were timed, not the network's own.
    assert made.timed_clip == (8, 16, 16)
    assert made.macs == count_macs(network.model, 16, 8)
    # What was not run has no time.
    assert [timing.network for timing in made.timings] == ["dense", "compressed"]
    assert made.training_s == 12.5
    # 2 classes x 7 test groups, a video of each
    assert made.groups.split() == [str(number) for number in range(14)]
    assert made.run_id == run.run_id
    assert "cores" in made.machine
    assert run.tags["cell"] == "net.pruned.s1"
    assert run.metrics["video_top1"] == [0.5]
    assert run.metrics["runtime_ms.dense.toy_CPU.f32.b1"] == [2.0]


def test_a_dense_cell_is_compared_with_nothing(place: Any, run: Any) -> None:
    made = compute_cell(Cell("s1", "net", DENSE), place, run, command="")
    assert (made.right, made.dense_right, made.size_bytes) == ("11", "", 100)
    assert [timing.network for timing in made.timings] == ["dense"]


def test_times_may_be_left_out(place: Any, run: Any) -> None:
    made = compute_cell(Cell("s1", "net", "pruned"), place, run, command="", timed=False)
    assert made.timings == ()
    assert not any(name.startswith("runtime_ms.") for name in run.metrics)
