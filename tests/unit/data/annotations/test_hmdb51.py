"""HMDB51's split files."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.hmdb51 import read_hmdb_lists
from vcc.errors import DataError


def test_hmdb_lists(tmp_path: Path) -> None:
    (tmp_path / "brush_hair_test_split1.txt").write_text("a b.avi 1 \nc.avi 2 \nd.avi 0 \n")
    (tmp_path / "wave_test_split1.txt").write_text("e.avi 2\n")
    (tmp_path / "wave_test_split2.txt").write_text("e.avi 1\n")
    annotation = load_annotation(tmp_path, 1)
    assert annotation.labels == ("brush_hair", "wave")
    assert [(e.id, e.label, e.subset) for e in annotation.entries] == [
        ("a b", "brush_hair", "train"),
        ("c", "brush_hair", "test"),
        ("e", "wave", "test"),
    ]
    with pytest.raises(DataError, match="no split files for split 3"):
        load_annotation(tmp_path, 3)
    (tmp_path / "wave_test_split1.txt").write_bytes(b"\xff.avi 1\n")
    with pytest.raises(DataError, match=r"wave_test_split1\.txt: not UTF-8 text \(byte 0\)"):
        read_hmdb_lists(tmp_path, 1)
    (tmp_path / "wave_test_split1.txt").write_text("e.avi 7\n")
    with pytest.raises(DataError, match=r"wave_test_split1\.txt:1"):
        read_hmdb_lists(tmp_path, 1)


def test_tabs_and_one_name_in_two_classes(tmp_path: Path) -> None:
    (tmp_path / "brush_hair_test_split1.txt").write_text("1.avi\t1\nmy clip.avi\t2\n")
    (tmp_path / "wave_test_split1.txt").write_text("1.avi 2\n")
    entries = read_hmdb_lists(tmp_path, 1).entries
    assert [(e.id, e.subset) for e in entries] == [
        ("brush_hair/1", "train"),
        ("my clip", "test"),
        ("wave/1", "test"),
    ]


def test_one_file_stands_for_all_of_its_split(tmp_path: Path) -> None:
    for label in ("run", "wave"):
        (tmp_path / f"{label}_test_split2.txt").write_text(f"{label}1.avi 1\n{label}2.avi 2\n")
    annotation = load_annotation(tmp_path / "wave_test_split2.txt", 1)
    assert (annotation.split, annotation.labels) == ("split2", ("run", "wave"))
