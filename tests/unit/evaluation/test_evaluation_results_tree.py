"""results/<type>/<DDMM>/ as the thesis lays it out, and never overwritten."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from vcc.errors import DataError
from vcc.evaluation.results_tree import new_results_folder, write_results

DAY = datetime.date(2020, 3, 9)


def test_the_folder_is_named_by_type_day_and_month(tmp_path: Path) -> None:
    assert new_results_folder(tmp_path, "ep", today=DAY) == tmp_path / "ep" / "0903"
    assert new_results_folder(tmp_path, "ep", today=DAY) == tmp_path / "ep" / "0903-2"
    assert new_results_folder(tmp_path, "ep", today=DAY) == tmp_path / "ep" / "0903-3"
    assert new_results_folder(tmp_path, "qat", today=DAY) == tmp_path / "qat" / "0903"


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "ep").write_text("")
    with pytest.raises(DataError, match="cannot be made|in the way"):
        new_results_folder(tmp_path, "ep", today=DAY)


def test_the_three_files(tmp_path: Path) -> None:
    results = {"v": [{"label": "a", "score": 1.0}]}
    write_results(tmp_path, options={"model": "resnet"}, results=results, top1=0.5, top5=0.75)
    assert (tmp_path / "accuracy.txt").read_text() == (
        "Top-1 Accuracy: 0.5\nTop-5 Accuracy: 0.75\n"
    )
    assert json.loads((tmp_path / "opts.json").read_text()) == {"model": "resnet"}
    assert json.loads((tmp_path / "val.json").read_text()) == {"results": results}
