"""results/<type>/<DDMM>/ as the thesis lays it out, whole, and never overwritten."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from vcc.errors import DataError
from vcc.evaluation.results_tree import Results, write_results

DAY = datetime.date(2020, 3, 9)
PREDICTIONS = {"v": [{"label": "a", "score": 1.0}]}
FOUND = Results(options={"model": "resnet"}, predictions=PREDICTIONS, top1=0.5, top5=0.75)


def write(root: Path, kind: str, found: Results = FOUND) -> Path:
    return write_results(root, kind, today=DAY, found=found)


def test_the_folder_is_named_by_type_day_and_month(tmp_path: Path) -> None:
    assert write(tmp_path, "ep") == tmp_path / "ep" / "0903"
    assert write(tmp_path, "ep") == tmp_path / "ep" / "0903-2"
    # A file of that name is not in the way either.
    (tmp_path / "ep" / "0903-3").write_text("")
    assert write(tmp_path, "ep") == tmp_path / "ep" / "0903-4"
    assert write(tmp_path, "qat") == tmp_path / "qat" / "0903"
    assert sorted(each.name for each in (tmp_path / "ep").iterdir()) == [
        "0903", "0903-2", "0903-3", "0903-4",
    ]  # fmt: skip


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "ep").write_text("")
    with pytest.raises(DataError, match="cannot be written: .*: choose another results folder"):
        write(tmp_path, "ep")


def test_the_three_files(tmp_path: Path) -> None:
    folder = write(tmp_path, "ep")
    assert (folder / "accuracy.txt").read_text() == "Top-1 Accuracy: 0.5\nTop-5 Accuracy: 0.75\n"
    assert json.loads((folder / "opts.json").read_text()) == {"model": "resnet"}
    assert json.loads((folder / "val.json").read_text()) == {"results": PREDICTIONS}


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write(tmp_path, "ep", Results(options={"a": object()}, predictions={}, top1=0, top5=0))
    assert not list((tmp_path / "ep").iterdir())
