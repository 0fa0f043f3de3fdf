"""A network that was just registered is measured on the test videos in a run of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vcc.config.data import ClipOptions
from vcc.config.entrypoints import TrainEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.train import tested as module


def test_the_version_is_measured_as_evaluate_does(
    network: Network, dataset: PreparedDataset, run: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    runs: list[Any] = []
    steps: list[Any] = []

    @contextlib.contextmanager
    def open_run(name: str, **words: Any) -> Iterator[Any]:
        runs.append((name, words))
        yield run

    def step(*words: Any, **more: Any) -> dict[str, float]:
        steps.append((words, more))
        return {"video_top1": 0.5, "video_top5": 1.0}

    monkeypatch.setattr(module, "open_run", open_run)
    monkeypatch.setattr(module, "evaluate_step", step)
    version: Any = SimpleNamespace(uri="models:/net/1")
    options = TrainEntry(results=tmp_path, no_cuda=True, n_threads=0, sample_duration=4)
    module.measure_on_test(network, version, dataset, options)
    ((name, words),) = runs
    assert name == f"evaluate {network.card.arch} dense on {dataset.name}"
    assert words["step"] == "evaluate"
    assert words["options"] == options.pick(ClipOptions)
    ((given, more),) = steps
    assert given == (network, dataset)
    assert (more["version"], more["results"], more["run"]) == (version, tmp_path, run)
    assert more["score"].keywords == {"dataset": dataset, "no_cuda": True, "n_threads": 0}
    assert run.tags["dataset"] == "seen"
    assert "0.5" in capsys.readouterr().out
