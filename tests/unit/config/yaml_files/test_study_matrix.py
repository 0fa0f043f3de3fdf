"""A study's cells: in which order, chosen by name, for which models."""

from __future__ import annotations

from pathlib import Path

import pytest
from matrix_file import MATRIX, written

from vcc.config.yaml_files.study_reader import read_matrix
from vcc.errors import ConfigError


def test_cells_come_after_those_they_build_on(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX))
    cells = list(matrix.cells())
    assert len(cells) == len(set(cells)) == 2 * 2 * 3
    for cell in cells:
        if cell.method != "dense":
            assert cells.index(matrix.parent(cell)) < cells.index(cell)
    # a whole seed first: a study that is cut short has complete repeats
    assert [cell.repeat for cell in cells] == ["s4"] * 6 + ["s7"] * 6
    # a teacher may be any model, so that all dense networks come before what is compressed
    assert [cell.method for cell in cells[:2]] == ["dense", "dense"]


def test_cells_are_chosen_by_key_or_part(tmp_path: Path) -> None:
    matrix = read_matrix(written(tmp_path, MATRIX))
    assert [cell.key for cell in matrix.choose(("a.both.s7",))] == ["a.both.s7"]
    assert {cell.model for cell in matrix.choose(("b",))} == {"b"}
    assert len(matrix.choose(())) == 12
    with pytest.raises(ConfigError, match=r"no cell 'a.bth.s7': did you mean a.both.s7"):
        matrix.choose(("a.bth.s7",))


def test_a_method_and_what_comes_after_it_may_be_for_some_models(tmp_path: Path) -> None:
    limited = MATRIX.replace("{compression_type: [ep],", "{models: [b], compression_type: [ep],")
    matrix = read_matrix(written(tmp_path, limited))
    assert [cell.key for cell in matrix.cells() if cell.repeat == "s4"] == [
        "a.dense.s4", "b.dense.s4", "b.pruned.s4", "b.both.s4",
    ]  # fmt: skip


def test_cells_are_scored_on_changed_videos_where_that_is_said(tmp_path: Path) -> None:
    changed = "perturbed: {one_frame: [dense], half_rate: [b.pruned.s4, dense]}\n"
    matrix = read_matrix(written(tmp_path, MATRIX + changed))
    asked = {cell.key: matrix.conditions(cell) for cell in matrix.choose(("s4",))}
    assert asked["a.dense.s4"] == asked["b.dense.s4"] == ("one_frame", "half_rate")
    assert asked["b.pruned.s4"] == ("half_rate",)
    assert asked["a.pruned.s4"] == ()
