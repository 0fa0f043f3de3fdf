"""What a cell depends on: everything that changes its figures, and nothing else."""

from __future__ import annotations

import types
from pathlib import Path
from typing import cast

import pytest

from vcc.compression.schedule.shipped import SCHEDULES
from vcc.config.study import Cell, MethodOptions, read_matrix
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ScheduleError
from vcc.pipeline.study.place import StudyPlace, schedule_of

MATRIX = """
name: mine
data: {dataset: d}
seeds: [1]
models: {a: {network: {model: resnet, model_depth: 18}}}
methods: {pruned: {schedule: SCHEDULE}}
"""
SCHEDULE = """# result: not measured yet
pruners: {p: {class: SensitivityPruner, sensitivities: {'*': 0.9}}}
policies: [{pruner: {instance_name: p}, epochs: [0]}]
"""
CELL = Cell("s1", "a", "pruned")


def settings(folder: Path, schedule: str) -> str:
    path = folder / "schedule.yaml"
    path.write_text(schedule)
    matrix = folder / "matrix.yaml"
    matrix.write_text(MATRIX.replace("SCHEDULE", str(path)))
    record = types.SimpleNamespace(id="v", label=0)
    dataset = types.SimpleNamespace(videos=lambda _subset: [record])
    place = StudyPlace(
        matrix=read_matrix(matrix),
        dataset_of=lambda _cell: cast(PreparedDataset, dataset),
        checkpoints=folder,
        n_threads=0,
        no_cuda=True,
    )
    return place.settings(CELL)


def test_a_schedule_s_comments_do_not_count(tmp_path: Path) -> None:
    before = settings(tmp_path, SCHEDULE)
    assert settings(tmp_path, SCHEDULE.replace("not measured yet", "96.0 %")) == before


@pytest.mark.parametrize(("old", "new"), [("0.9", "0.8"), ("[0]", "[1]"), ("'*'", "fc.weight")])
def test_what_a_schedule_says_does(tmp_path: Path, old: str, new: str) -> None:
    assert settings(tmp_path, SCHEDULE.replace(old, new)) != settings(tmp_path, SCHEDULE)


def test_a_schedule_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match="schedule.yaml"):
        settings(tmp_path, "policies: [")


def test_a_shipped_schedule_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    method = MethodOptions(schedule=Path("schedules/{family}_filters_agp_thin.yaml"))
    assert schedule_of(method, "csn") == SCHEDULES / "csn_filters_agp_thin.yaml"
    own = MethodOptions(schedule=tmp_path / "{family}.yaml")
    assert schedule_of(own, "csn") == tmp_path / "csn.yaml"
    assert (
        schedule_of(MethodOptions(compression_type=("ptq",)), "csn") == SCHEDULES / "ptq_int8.yaml"
    )
