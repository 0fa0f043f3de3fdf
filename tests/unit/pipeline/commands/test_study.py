"""A study computes what is missing, reports what is there, and names the cells that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from study_cells import cell as result

from vcc.config.entrypoints import StudyEntry
from vcc.config.yaml_files.study_matrix import Cell
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError, StudyError
from vcc.pipeline.commands import study as command
from vcc.pipeline.study.data import StudyData


@pytest.fixture
def told(
    opened: Any, dataset: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """What is there before, what is computed, and what the report is told."""
    found: dict[str, Any] = {"done": 0, "failed": [], "reports": []}

    class Computation:
        def __init__(self, *_: Any) -> None:
            pass

        def compute(self, todo: list[Cell], done: dict[Cell, Any]) -> list[str]:
            found["todo"] = list(todo)
            good = todo[len(found["failed"]) :]
            done.update({each: result() for each in good})
            return list(found["failed"])

    def finished(chosen: Any, place: Any, folder: Path) -> dict[Cell, Any]:
        found["place"], found["folder"] = place, folder
        return {each: result() for each in list(chosen)[: found["done"]]}

    def write_report(results: Any, **words: Any) -> Path:
        found["reports"].append((len(results), words))
        page = tmp_path / "study.html"
        page.with_suffix(".md").write_text("# Study")
        return page

    opened(command)
    data = StudyData(whole=dataset, parts={})
    monkeypatch.setattr(command, "study_data", lambda *_: data)
    monkeypatch.setattr(command, "finished", finished)
    monkeypatch.setattr(command, "Computation", Computation)
    monkeypatch.setattr(command, "write_report", write_report)
    monkeypatch.setattr(command, "baseline_notes", lambda *_: ["a baseline"])
    return found


@pytest.mark.parametrize(
    ("asked", "left"),
    [({}, True), ({"accuracy_only": True}, False), ({"networks_only": True}, False)],
)
def test_a_cell_without_times_is_finished_where_none_are_wanted(
    told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: Any, left: bool
) -> None:  # fmt: skip
    untimed = {}

    def finished(chosen: Any, *_: Any) -> dict[Cell, Any]:
        untimed.update({each: result(timings=()) for each in chosen})
        return dict(untimed)

    monkeypatch.setattr(command, "finished", finished)
    command.run_study(options(tmp_path, **asked))
    assert told["todo"] == (list(untimed) if left else [])


def test_files_that_are_missing_end_it_before_anything_is_done(
    told: dict[str, Any], tmp_path: Path
) -> None:
    matrix = tmp_path / "m.yaml"
    matrix.write_text("data: {videos: nowhere/videos}\nseeds: [1]\nmodels: {a: {}}\n")
    with pytest.raises(DataError, match=r"not there: nowhere/videos \(data: videos\)"):
        command.run_study(options(tmp_path, matrix=matrix))
    assert "todo" not in told


def options(folder: Path, **more: Any) -> StudyEntry:
    return StudyEntry(root_path=folder, results=folder / "results", **more)


def test_only_missing_cells_are_computed_and_all_are_reported(
    told: dict[str, Any], tmp_path: Path, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    told["done"] = 1
    command.run_study(options(tmp_path))
    ((count, words),) = told["reports"]
    assert count == len(told["todo"]) + 1
    assert words["notes"] == ["a baseline"]
    assert words["folder"] == told["folder"]
    assert told["place"].checkpoints.is_relative_to(tmp_path / "study_networks")
    assert run.tags["description"] == "# Study"
    assert f"{count} cells: 1 are in {told['folder']}, {count - 1} to compute" in (
        capsys.readouterr().out
    )


def test_failed_cells_are_named_at_the_end_and_missing_ones_in_the_report(
    told: dict[str, Any], tmp_path: Path
) -> None:
    told["failed"] = ["one: no dev videos"]
    with pytest.raises(StudyError, match=r"1 of \d+ cells failed: one: no dev videos"):
        command.run_study(options(tmp_path))
    ((_, words),) = told["reports"]
    assert words["notes"][1] == f"Not computed yet: {told['todo'][0].key}."


def test_the_report_is_of_all_that_is_there_whatever_was_chosen(
    told: dict[str, Any], tmp_path: Path
) -> None:
    told["done"] = 5
    command.run_study(options(tmp_path, only=("resnet18.dense.s1", "resnet18.filters.s3")))
    assert [each.key for each in told["todo"]] == ["resnet18.filters.s3"]
    ((count, words),) = told["reports"]
    assert count == 6
    assert words["notes"][1].endswith(" more.")


def test_nothing_computed_is_nothing_reported(told: dict[str, Any], tmp_path: Path) -> None:
    command.run_study(options(tmp_path))
    told["reports"].clear()
    told["failed"] = [each.key for each in told["todo"]]
    with pytest.raises(StudyError, match="cells failed"):
        command.run_study(options(tmp_path))
    assert not told["reports"]
