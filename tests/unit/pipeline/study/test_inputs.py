"""What a study needs and is not there is one line, before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.config.yaml_files.study_matrix import SHIPPED, StudyMatrix
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.errors import DataError
from vcc.pipeline.study.inputs import check_inputs

MATRIX = """
data: {videos: far/videos, annotation: lists}
seeds: [1]
models:
  a: {}
  b: {finetune: {pretrain_path: far/b.pth}}
  c: {finetune: {pretrain_path: KINETICS400_V1}}
methods:
  plain: {}
  taught: {compression_type: [kd], teacher: b, models: [a]}
"""


@pytest.fixture
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyMatrix:
    monkeypatch.chdir(tmp_path)
    path = Path("matrix.yaml")
    path.write_text(MATRIX)
    return read_matrix(path)


def problem(matrix: StudyMatrix, *only: str) -> str:
    with pytest.raises(DataError) as caught:
        check_inputs(matrix, matrix.choose(only), Path("data"))
    return str(caught.value)


def test_all_that_is_missing_is_named_at_once(matrix: StudyMatrix, tmp_path: Path) -> None:
    said = problem(matrix)
    assert said.startswith(
        "matrix.yaml: not there: far/videos (data: videos), lists (data: annotation), far/b.pth "
        f"(models.b: pretrain_path) (looked for in {tmp_path}): docs/study.md"
    )
    assert "\n" not in said


def test_only_the_weights_of_what_is_computed_are_needed(matrix: StudyMatrix) -> None:
    Path("data/far/videos").mkdir(parents=True)
    Path("lists").mkdir()
    check_inputs(matrix, matrix.choose(("a.plain.s1", "c")), Path("data"))
    # A teacher's network is trained, too.
    assert "far/b.pth (models.b" in problem(matrix, "a.taught.s1")
    Path("far").mkdir()
    Path("far/b.pth").touch()
    check_inputs(matrix, matrix.choose(()), Path("data"))


def test_a_study_of_built_in_videos_needs_nothing(tmp_path: Path) -> None:
    matrix = read_matrix(SHIPPED)
    check_inputs(matrix, matrix.choose(()), tmp_path)
