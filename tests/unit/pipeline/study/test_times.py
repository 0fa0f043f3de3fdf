"""A cell's times: of the networks that were scored, perhaps later and on another machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from study_cells import cell as result

from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.export.benchmark import Latency
from vcc.export.runtime_table import Row, RuntimeTable
from vcc.pipeline.study import times as module
from vcc.pipeline.study.times import add_times, machine_facts, networks_of

CELL = Cell("s1", "net", "pruned")
NOWHERE: Any = None


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cells whose networks were asked for; what is timed takes 2 ms or is not run."""
    found: list[str] = []

    def network_of_cell(cell: Cell, *_: Any) -> str:
        found.append(cell.key)
        return f"network of {cell.key}"

    def row(network: str, ms: float | None) -> Row:
        latency = None if ms is None else Latency(
            runtime="toy CPU", precision="f32", batch=1, runs=5, p50_ms=ms, p90_ms=ms, p95_ms=ms,
            p99_ms=ms, rounds_ms=(ms,),
        )  # fmt: skip
        return Row(network=network, runtime="toy CPU", precision="f32", batch=1, latency=latency,
                   reason="" if latency else "no GPU")  # fmt: skip

    def time_files(networks: dict[str, Any], place: Any, folder: Path) -> RuntimeTable:
        rows = (*(row(name, 2.0) for name in networks), row("dense", None))
        return RuntimeTable(rows=rows, coverages=(), threads=1)

    monkeypatch.setattr(module, "network_of_cell", network_of_cell)
    monkeypatch.setattr(module, "time_files", time_files)
    return found


def test_a_dense_cell_has_one_network_and_others_two(asked: list[str]) -> None:
    assert list(networks_of(Cell("s1", "net", DENSE), NOWHERE, NOWHERE)) == ["dense"]
    assert networks_of(CELL, NOWHERE, NOWHERE) == {
        "dense": "network of net.dense.s1",
        "compressed": "network of net.pruned.s1",
    }
    assert asked == ["net.dense.s1", "net.dense.s1", "net.pruned.s1"]


def test_times_are_added_and_nothing_else_changes(run: Any) -> None:
    known = result(timings=(), machine={"cores": "many"})
    timed = add_times(known, CELL, NOWHERE, run)
    # What was not run has no time.
    assert [(each.network, each.p50_ms) for each in timed.timings] == [
        ("dense", 2.0),
        ("compressed", 2.0),
    ]
    assert dataclasses.replace(timed, timings=(), machine=known.machine) == known
    assert timed.machine["cores"] == "many"
    assert timed.machine["times.cores"] == machine_facts()["cores"]
    assert run.metrics["runtime_ms.dense.toy_CPU.f32.b1"] == [2.0]
