"""A method's schedule for a family: the matrix's own or the shipped one, and its epochs."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.compression.schedule.loader import load_schedule
from vcc.compression.schedule.phases import compile_phases, last_epoch
from vcc.compression.schedule.shipped import SCHEDULES
from vcc.config.yaml_files.study_matrix import SHIPPED, MethodOptions, StudyMatrix
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.pipeline.study.place import schedule_of


def test_a_shipped_schedule_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    method = MethodOptions(schedule=Path("schedules/{family}_filters_agp_thin.yaml"))
    assert schedule_of(method, "csn") == SCHEDULES / "csn_filters_agp_thin.yaml"
    own = MethodOptions(schedule=tmp_path / "{family}.yaml")
    assert schedule_of(own, "csn") == tmp_path / "csn.yaml"
    braces = MethodOptions(schedule=tmp_path / "{mine}{0}{{{family}.yaml")
    assert schedule_of(braces, "csn") == tmp_path / "{mine}{0}{{csn.yaml"
    assert (
        schedule_of(MethodOptions(compression_type=("ptq",)), "csn") == SCHEDULES / "ptq_int8.yaml"
    )


def epochs_of(matrix: StudyMatrix, model: str, name: str) -> int:
    """Return how many epochs a method's network has beyond the dense one's; its schedule fits."""
    method = matrix.methods[name]
    schedule = load_schedule(schedule_of(method, matrix.models[model].network.model))
    epochs = last_epoch(schedule) if method.n_epochs is None else method.n_epochs
    assert compile_phases(schedule, epochs)
    return epochs + (epochs_of(matrix, model, method.after) if method.after else 0)


@pytest.mark.parametrize("path", sorted(SHIPPED.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_study_s_methods_have_schedules_that_fit(path: Path) -> None:
    matrix = read_matrix(path)
    for model in matrix.models:
        methods = [name for name in matrix.methods if matrix.is_for(name, model)]
        epochs = {name: epochs_of(matrix, model, name) for name in methods}
        if matrix.reference in epochs:
            # Trained on for less than the others, it were no fair parent.
            assert epochs[matrix.reference] == max(epochs.values())
