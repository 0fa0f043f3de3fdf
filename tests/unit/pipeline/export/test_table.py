"""The tables of runtimes and of layers, as they are printed and logged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from vcc.export.layer_profile import Profile
from vcc.export.runtime_table import Row, RuntimeTable
from vcc.export.runtimes.session import Coverage, Node, NodeTime
from vcc.pipeline.export import table as table_module
from vcc.pipeline.export.table import coverage_lines, log_profiles, table_lines

ROW = Row(
    network="dense", runtime="cuda", precision="f32", batch=1, latency=None, reason="no GPU here"
)


def table(*coverages: tuple[str, Coverage]) -> RuntimeTable:
    return RuntimeTable(rows=(ROW,), coverages=coverages, threads=3)


INT8 = ("small", Coverage(runtime="cpu", nodes=(Node(name="a", kernel="ref", int8=True),)))


def test_a_table_says_what_its_figures_hold_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "cpu_features", lambda: ["avx2"])
    lines = table_lines(table())
    assert lines[1] == "3 threads; CPU features: avx2"
    assert "not run: cuda f32: no GPU here" in lines
    assert not any("VNNI" in line for line in lines)
    monkeypatch.setattr(table_module, "cpu_features", list)
    assert table_lines(table())[1].endswith("CPU features: unknown")


@pytest.mark.parametrize(
    ("features", "warned"),
    [(["avx2"], True), (["avx2", "avx_vnni"], False), (["avx512_vnni"], False)],
)
def test_int8_without_its_instructions_is_said(
    monkeypatch: pytest.MonkeyPatch, features: list[str], warned: bool
) -> None:
    monkeypatch.setattr(table_module, "cpu_features", lambda: features)
    lines = table_lines(table(INT8))
    assert "small: cpu: 1 of 1 layers run in int8" in lines
    assert ("no VNNI" in lines[-1]) is warned


def test_coverage_is_a_line_per_network() -> None:
    assert coverage_lines(table()) == []
    assert coverage_lines(table(INT8)) == ["small: cpu: 1 of 1 layers run in int8"]


class Run:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def log_text(self, text: str, name: str) -> None:
        self.texts[name] = text


def exported(profile: Profile | None) -> Any:
    return SimpleNamespace(profile=profile)


def test_all_files_stand_in_one_table() -> None:
    nodes = (NodeTime(name="conv1", operation="Conv", kernel="k", ms=2.0),)
    run, profile = Run(), Profile(runtime="it", nodes=nodes)
    made = {"dense": exported(profile), "compressed": exported(profile), "other": exported(None)}
    lines = log_profiles(made, cast(Any, run))
    assert [line.split(",")[0] for line in run.texts["layers.csv"].splitlines()] == [
        "network",
        "dense",
        "compressed",
    ]
    assert "compressed: 2.00 ms by layer in it" in lines


def test_where_no_runtime_shows_its_layers_nothing_is_said() -> None:
    run = Run()
    assert log_profiles({"dense": exported(None)}, cast(Any, run)) == []
    assert not run.texts
