"""What a cell depends on: everything that changes its figures, and nothing else."""

from __future__ import annotations

import types
from pathlib import Path
from typing import cast

import pytest

from vcc.config.yaml_files.study_matrix import Cell, read_matrix
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ScheduleError
from vcc.pipeline.study.place import StudyPlace

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
