"""The command says what it will do, and does nothing more where only that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vcc.pipeline.commands.search as command
from vcc.config.entrypoints import SearchEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.search.prices import Measured, Prices
from vcc.pipeline.source import SourceNetwork


class Opened:
    """A run that is opened and closed."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def __enter__(self) -> Any:
        return self._run

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.slow
def test_an_estimate_is_all_that_was_asked_for(
    network: Network,
    dataset: PreparedDataset,
    run: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = SourceNetwork(network=network, dataset=dataset, version=None)
    monkeypatch.setattr(command, "connect", lambda: None)
    monkeypatch.setattr(command, "find_source", lambda options, alias: source)
    monkeypatch.setattr(command, "open_run", lambda *_, **__: Opened(run))
    monkeypatch.setattr(Prices, "measure", lambda *_, **__: Measured(latency_ms=2.0, size_mb=1.0))
    monkeypatch.setattr(Prices, "_layers_ms", lambda *_, **__: 1.0)
    options = SearchEntry(
        source="dense",
        target_macs=0.5,
        estimate_only=True,
        n_threads=0,
        no_cuda=True,
        provider="cpu",
        root_path=tmp_path,
        output=tmp_path,
    )
    command.run_search(options)
    said = capsys.readouterr().out
    assert "target: at most 0.5 of the dense network's MACs" in said
    assert "estimate: " in said
    (folder,) = (each for each in tmp_path.iterdir() if each.name.startswith("resnet"))
    assert sorted(each.name for each in folder.iterdir()) == ["prices.json", "run.txt"]
