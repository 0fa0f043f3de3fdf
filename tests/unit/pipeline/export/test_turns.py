"""Files are timed in turns with PyTorch; one that differs from its network is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vcc.pipeline.export.turns as turns
from vcc.config.export import ExportOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ExportError
from vcc.pipeline.card import Network
from vcc.pipeline.export.turns import DENSE, EAGER, time_in_turns


class Session:
    """Answers nothing, at once."""

    runtime, precision = "it", "f32"

    def run(self, pixels: Any) -> Any:
        return np.zeros((len(pixels), 2), np.float32)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are of as many kilobytes as their names have letters."""

    def write_file(name: str, network: Network, options: Any, folder: Path, **_: Any) -> Path:
        path = folder / name
        path.write_bytes(bytes(1000 * len(name)))
        return path

    def open_together(paths: Any, options: Any) -> dict[str, Session]:
        return {name: Session() for name in paths}

    monkeypatch.setattr(turns, "write_file", write_file)
    monkeypatch.setattr(turns, "open_together", open_together)


def differing(monkeypatch: pytest.MonkeyPatch, network: Network) -> None:
    def dev_parity(given: Network, *_: Any, **__: Any) -> None:
        if given is network:
            msg = "they differ"
            raise ExportError(msg)

    monkeypatch.setattr(turns, "dev_parity", dev_parity)


def test_a_file_that_differs_is_left_out(
    network: Network, dataset: PreparedDataset, exported: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Network(model=network.model, card=network.card)
    differing(monkeypatch, other)
    networks = {DENSE: network, "good": Network(model=network.model, card=network.card)}
    options = ExportOptions(latency_runs=5, latency_warmup=0)
    times = time_in_turns({**networks, "bad": other}, dataset, options)
    assert set(times) == {EAGER, DENSE, "good"}
    assert [times[name].size_mb for name in (EAGER, DENSE, "good")] == [0.005, 0.005, 0.004]
    rounds = {len(timed.latency.rounds_ms) for timed in times.values()}
    assert len(rounds) == 1


def test_the_dense_file_must_be_right(
    network: Network, dataset: PreparedDataset, exported: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    differing(monkeypatch, network)
    with pytest.raises(ExportError, match="they differ"):
        time_in_turns({DENSE: network}, dataset, ExportOptions())
