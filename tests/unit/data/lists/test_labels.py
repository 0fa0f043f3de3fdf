"""Labels that are numbers, as spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.lists.labels import named_labels, with_plain_labels
from vcc.data.lists.list_rows import ListRow
from vcc.errors import DataError


def rows(*labels: str) -> list[ListRow]:
    return [ListRow(f"list:{n}", f"{n}.avi", label, "", "") for n, label in enumerate(labels)]


def plain(*labels: str) -> list[str]:
    return [row.label for row in with_plain_labels(rows(*labels))]


def test_whole_numbers_written_as_fractions() -> None:
    assert plain("1.0", "2.", "10.00", "3") == ["1", "2", "10", "3"]
    assert plain("1.5", "2.0") == ["1.5", "2.0"]
    assert plain("1.0", "walk") == ["1.0", "walk"]


def test_what_is_no_label_beside_numbers() -> None:
    assert plain("0.0", "-1", "nan", "") == ["0", "", "", ""]
    assert plain("nan", "-1", "run") == ["", "-1", "run"]
    assert plain("-1", "-1") == ["-1", "-1"]


@pytest.mark.parametrize("label", ["run,walk", "run|jump", "walk; run", "['run']"])
def test_several_labels_in_one_cell(label: str) -> None:
    with pytest.raises(DataError, match="list:1: .* looks like a list of labels; a video is"):
        plain("run", label)
    assert plain("a, b", "c") == ["a, b", "c"]


def test_names_are_sorted_and_numbers_keep_their_order(tmp_path: Path) -> None:
    assert named_labels(rows("walk", "run"), tmp_path) == (None, ("run", "walk"))
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    assert named_labels(rows("2", "0"), tmp_path) == ({"0": "a", "2": "c"}, ("a", "c"))
