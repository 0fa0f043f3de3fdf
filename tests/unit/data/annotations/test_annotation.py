"""What the readers of labels share."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.annotation import (
    Entry,
    check_entries,
    check_labels,
    read_lines,
    read_text,
    split_name,
)
from vcc.errors import DataError


def test_lines_are_numbered_and_blank_ones_left_out(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    # U+2028 ends a line for `splitlines`, and for no tool that writes lists.
    path.write_text("one \r\n\n  two\u2028too\n", "utf-8")
    assert list(read_lines(path)) == [(1, "one"), (3, "two\u2028too")]


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such list file"):
        list(read_lines(tmp_path / "none.txt"))


def test_text_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match=r"not UTF-8 text \(byte 3\)"):
        read_text(tmp_path / "latin.txt", missing="gone")


def test_labels_and_videos_are_listed_once(tmp_path: Path) -> None:
    check_labels(["run", "walk"], tmp_path)
    with pytest.raises(DataError, match=r"a label is listed twice \('run'\)"):
        check_labels(["run", "run"], tmp_path)
    with pytest.raises(DataError, match="'My_Walk' and 'my  walk ' differ in upper"):
        check_labels(["my  walk ", "run", "My_Walk"], tmp_path)
    entry = Entry("a", "run", "train", None)
    with pytest.raises(DataError, match="1 video has more than one label, first 'a': 'run', 'wa"):
        check_entries([entry, Entry("a", "walk", "train", None)], tmp_path)
    with pytest.raises(DataError, match="video 'a' is listed twice"):
        check_entries([entry, entry], tmp_path)


def test_splits_are_named_by_number() -> None:
    assert split_name(3) == "split3"
