"""Cells are computed one after the other: failures are kept apart, a budget ends it, files stay."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from study_cells import cell as result

from vcc.config.entrypoints import StudyEntry
from vcc.config.yaml_files.study_matrix import Cell
from vcc.errors import DataError, ModelError, StoppedError
from vcc.evaluation.study.results import read_result, write_result
from vcc.pipeline.study import step as module
from vcc.pipeline.study.step import Computation, finished, is_complete

CELLS = [Cell("s1", "net", "dense"), Cell("s1", "net", "filters"), Cell("s2", "net", "filters")]


class World(SimpleNamespace):
    """What a computation meets: its estimates, its runs, and cells that fail."""

    def __init__(self, run: Any, patch: pytest.MonkeyPatch) -> None:
        super().__init__(computed=[], networks=[], errors={}, commands=[], timed=[], changed=[])
        self.calibrated: list[set[str]] = []
        self.conditions: dict[str, tuple[str, ...]] = {}

        @contextlib.contextmanager
        def open_run(name: str, **_: Any) -> Iterator[Any]:
            yield run

        def compute(cell: Cell, *_: Any, command: str, timed: bool) -> Any:
            self.computed.append(cell)
            self.timed += [cell] if timed else []
            self.commands.append(command)
            if cell in self.errors:
                raise self.errors[cell]
            made = result(repeat=cell.repeat, method=cell.method)
            return made if timed else dataclasses.replace(made, timings=())

        patch.setattr(module, "open_run", open_run)
        patch.setattr(module, "log_dataset", lambda *_, **__: None)
        patch.setattr(module, "calibrate", lambda *words: self.calibrated.append(words[-1]))
        patch.setattr(module, "cell_seconds", lambda *_: 60.0)
        patch.setattr(module, "compute_cell", compute)
        patch.setattr(module, "add_times", self._add_times)
        patch.setattr(module, "add_conditions", self._add_conditions)
        patch.setattr(module, "network_of_cell", lambda cell, *_: self.networks.append(cell))

    def _add_times(self, known: Any, cell: Cell, *_: Any) -> Any:
        self.timed.append(cell)
        return dataclasses.replace(known, timings=result().timings)

    def _add_conditions(self, known: Any, cell: Cell, place: Any, _run: Any) -> Any:
        self.changed.append(cell)
        answers = dict.fromkeys(place.matrix.conditions(cell), known.right)
        return dataclasses.replace(known, perturbed=answers)

    def computation(self, folder: Path, **options: Any) -> Computation:
        models = {"net": SimpleNamespace(training=None)}
        matrix = SimpleNamespace(
            models=models,
            cells=lambda: CELLS,
            conditions=lambda cell: self.conditions.get(cell.method, ()),
        )
        place: Any = SimpleNamespace(matrix=matrix, dataset_of=lambda cell: "data")
        nothing: Any = None
        return Computation(place, StudyEntry(**options), folder, nothing)


@pytest.fixture
def world(run: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(run, monkeypatch)


def test_every_cell_is_computed_and_kept_in_a_file(
    world: World, run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done: dict[Cell, Any] = {}
    computation = world.computation(tmp_path, matrix=tmp_path / "m.yaml")
    assert computation.compute(CELLS, done) == []
    assert list(done) == world.computed == CELLS
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{each.key}.json" for each in done.values()
    )
    assert run.files[0].startswith("cell/")
    assert world.commands[1] == (
        f"mlflow run . -e study --env-manager local -P matrix={tmp_path / 'm.yaml'} "
        f"-P only={CELLS[1].key}"
    )
    assert capsys.readouterr().out.startswith("estimate: ")


def test_times_are_added_to_what_was_computed_without_them(world: World, tmp_path: Path) -> None:
    done: dict[Cell, Any] = {}
    world.computation(tmp_path, accuracy_only=True).compute(CELLS, done)
    assert (world.computed, world.timed) == (CELLS, [])
    assert not any(known.timings for known in done.values())
    world.computation(tmp_path).compute(CELLS[:2], done)
    assert (world.computed, world.timed) == (CELLS, CELLS[:2])
    assert [bool(done[cell].timings) for cell in CELLS] == [True, True, False]
    # What is trained already needs no estimate of training.
    assert world.calibrated == [{"net"}, set()]
    assert read_result(tmp_path / f"{CELLS[1].key}.json").timings


def test_changed_videos_are_added_to_the_cells_that_want_them(world: World, tmp_path: Path) -> None:
    done: dict[Cell, Any] = {}
    world.conditions["filters"] = ("half_rate",)
    world.computation(tmp_path).compute(CELLS[:2], done)
    assert world.changed == [CELLS[1]]
    assert read_result(tmp_path / f"{CELLS[1].key}.json").perturbed == {"half_rate": "1100"}
    world.conditions["dense"] = ("jpeg30",)
    world.computation(tmp_path).compute(CELLS[:1], done)
    assert world.changed == [CELLS[1], CELLS[0]]
    assert world.computed == CELLS[:2]


@pytest.mark.parametrize(
    ("asked", "changes", "complete"),
    [
        ({}, {"timings": ()}, False),
        ({"accuracy_only": True}, {"timings": ()}, True),
        ({"networks_only": True}, {"timings": (), "perturbed": {}}, True),
        ({}, {"perturbed": {}}, False),
        ({"accuracy_only": True}, {"perturbed": {}}, False),
        ({}, {}, True),
    ],
)
def test_a_cell_is_complete_where_nothing_is_left_that_was_asked_for(
    asked: dict[str, Any], changes: dict[str, Any], complete: bool
) -> None:
    matrix: Any = SimpleNamespace(conditions=lambda cell: ("half_rate",))
    known = dataclasses.replace(result(perturbed={"half_rate": "1100"}), **changes)
    assert is_complete(CELLS[1], known, matrix, StudyEntry(**asked)) == complete
    assert not is_complete(CELLS[1], None, matrix, StudyEntry(**asked))


def test_a_cell_that_fails_leaves_the_others(world: World, tmp_path: Path) -> None:
    world.errors[CELLS[1]] = ModelError("no such layer")
    done: dict[Cell, Any] = {}
    failed = world.computation(tmp_path).compute(CELLS, done)
    assert failed == [f"{CELLS[1].key}: no such layer"]
    assert list(done) == [CELLS[0], CELLS[2]]


def test_who_stops_it_stops_all(world: World, tmp_path: Path) -> None:
    world.errors[CELLS[1]] = StoppedError("SIGTERM")
    done: dict[Cell, Any] = {}
    with pytest.raises(StoppedError):
        world.computation(tmp_path).compute(CELLS, done)
    assert list(done) == CELLS[:1]


@pytest.mark.parametrize(
    ("options", "computed", "networks"),
    [({"estimate_only": True}, 0, 0), ({"networks_only": True}, 0, 3), ({}, 3, 0)],
)
def test_as_much_is_computed_as_was_asked_for(
    world: World, tmp_path: Path, options: dict[str, Any], computed: int, networks: int
) -> None:
    done: dict[Cell, Any] = {}
    world.computation(tmp_path, **options).compute(CELLS, done)
    assert (len(world.computed), len(world.networks), len(done)) == (computed, networks, computed)


def test_a_budget_that_is_spent_ends_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    minutes = iter(range(100))
    monkeypatch.setattr(module.time, "monotonic", lambda: 60.0 * next(minutes))
    world.computation(tmp_path, budget_minutes=2.0).compute(CELLS, {})
    assert 0 < len(world.computed) < 3
    assert "minutes spent: the same command goes on from here" in capsys.readouterr().out


def test_nothing_to_do_is_nothing_said(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.computation(tmp_path).compute([], {}) == []
    assert not capsys.readouterr().out


def test_only_files_of_today_s_settings_are_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "digests_of", lambda *_: ["abc"])
    nothing: Any = None
    write_result(result(), tmp_path)
    write_result(result(repeat="s2", settings="of before"), tmp_path)
    assert list(finished(CELLS, nothing, tmp_path)) == [CELLS[1]]
    kept = next(tmp_path.glob("*s1*"))
    kept.rename(tmp_path / f"{CELLS[0].key}.json")
    with pytest.raises(DataError, match="holds the cell .*: delete it to compute"):
        finished(CELLS, nothing, tmp_path)
