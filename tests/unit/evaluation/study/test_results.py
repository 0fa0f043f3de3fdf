"""The files of a study's cells: whole, and refused when damaged."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from study_cells import cell

from vcc.errors import DataError
from vcc.evaluation.study.results import read_result, write_result


def test_a_file_holds_everything(tmp_path: Path) -> None:
    path = write_result(cell(), tmp_path)
    assert path.name == "net.filters.s1.json"
    assert read_result(path) == cell()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_file_from_before_groups_is_read(tmp_path: Path) -> None:
    path = write_result(cell(groups="0 0 1 2"), tmp_path)
    content = json.loads(path.read_text())
    assert content.pop("groups") == "0 0 1 2"
    assert content.pop("perturbed") == {}
    path.write_text(json.dumps(content))
    assert read_result(path) == cell()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("params"),
        lambda content: content.update(format=9),
        lambda content: content.update(right="12"),
        lambda content: content.update(right="10"),
        lambda content: content.update(right="", dense_right=""),
        lambda content: content.update(timings=[{"network": "dense"}]),
        lambda content: content.update(timings=5),
        lambda content: content.update(groups="0 0 1"),
        lambda content: content.update(perturbed={"half_rate": "110"}),
        lambda content: content.update(perturbed={"half_rate": "1102"}),
        lambda content: content.update(perturbed=["half_rate"]),
        lambda content: content.update(colour="red"),
        lambda content: content.update(seconds=math.nan),
        lambda content: content.update(sparsity=math.inf),
        lambda content: content.update(params="many"),
        lambda content: content.update(model=["net"]),
        lambda content: content.update(machine={"cpu": 3}),
        lambda content: content.update(timed_clip=[16, 112]),
        lambda content: content.update(timed_clip=[16, 112, math.nan]),
        lambda content: content["timings"][0].update(p50_ms=math.nan),
        lambda content: content["timings"][0].update(p95_ms="fast"),
        lambda content: content["timings"][0].update(runtime=None),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, spoil: object) -> None:
    path = write_result(cell(), tmp_path)
    content = json.loads(path.read_text())
    spoil(content)  # type: ignore[operator]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"net.filters.s1.json: not a result of a study"):
        read_result(path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"3", b'"x"', b"{", b"[" * 9000])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_result(path)
