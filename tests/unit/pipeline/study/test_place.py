"""A method's schedule for a family: the file that the matrix names, or the shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.compression.schedule.shipped import SCHEDULES
from vcc.config.yaml_files.study_matrix import MethodOptions
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
