"""Rows of lists, by whatever delimiter, with or without a header."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.lists.list_rows import read_list
from vcc.errors import DataError


def rows(tmp_path: Path, text: str, name: str = "list.csv") -> list[tuple[str, str, str, str]]:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return [(row.path, row.label, row.subset, row.group) for row in read_list(path).rows]


@pytest.mark.parametrize(
    "text",
    [
        "a b/1.avi,run\nc/2.avi,walk\n",
        '"a b/1.avi","run"\n"c/2.avi","walk"\n',
        "a b/1.avi\trun\nc/2.avi\twalk\n",
        "a b/1.avi;run\nc/2.avi;walk\n",
        "a b/1.avi run\nc/2.avi walk\n",
        "a b/1.avi, run\r\n\r\nc/2.avi, walk\r\n",
        "path,label\na b/1.avi,run\nc/2.avi,walk\n",
        "Label,File Name\nrun,a b/1.avi\nwalk,c/2.avi\n",
        ",clip_name,clip_path,label\n0,1,/a b/1.avi,run\n1,2,/c/2.avi,walk\n",
        "run,a b/1.avi\nwalk,c/2.avi\n",
        "a b/1 120 run\nc/2 96 walk\n",
        "a b/1.avi 120 run\nc/2.avi 96 walk\n",
        "a b\\1.avi run\nc\\2.avi walk\n",
        "../../a b/1.avi run\n./c/2.avi walk\n",
    ],
)
def test_path_and_label(tmp_path: Path, text: str) -> None:
    found = rows(tmp_path, text)
    assert [row[0].lstrip("/").removesuffix(".avi") for row in found] == ["a b/1", "c/2"]
    assert [row[1:] for row in found] == [("run", "", ""), ("walk", "", "")]


def test_commas_in_paths(tmp_path: Path) -> None:
    assert rows(tmp_path, '"a, b.avi",run\nc.avi,walk\n')[0][:2] == ("a, b.avi", "run")
    blanks = "a,b.avi run\nc,d.avi walk\n"
    assert rows(tmp_path, blanks, "list.txt")[0][:2] == ("a,b.avi", "run")


def test_a_path_alone_names_its_class_by_its_folder(tmp_path: Path) -> None:
    assert rows(tmp_path, "run/1.avi\nx/my walk/a b.avi\n", "list.txt") == [
        ("run/1.avi", "run", "", ""),
        ("x/my walk/a b.avi", "my walk", "", ""),
    ]


def test_subset_and_group(tmp_path: Path) -> None:
    text = "video,class,split,group\n1.avi,run,Train,tape 7\n2.avi,walk,val,\n"
    assert rows(tmp_path, text) == [
        ("1.avi", "run", "Train", "tape 7"), ("2.avi", "walk", "val", ""),
    ]  # fmt: skip
    assert rows(tmp_path, "1.avi,run,train\n2.avi,walk,test\n")[1][2] == "test"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no video"),
        (",\n", "lists no video"),
        ("a.avi,run\nb.avi,walk,3\n", r"list\.csv:2: 3 cells where the first row has 2"),
        ("a.avi,run,x,y\n", "4 columns and no header"),
        ("a.avi,run,x\n", "3 columns and no header"),
        ("path,label\n", "lists no video, only a header"),
        ("path,label,split\na.avi,x,train\nb.avi,y,\n", r"list\.csv:3: nothing in the column"),
        ("path,label\n,run\n", r"list\.csv:2: names no video"),
        ('"' + "x" * 200_000 + ",run\n", r"not rows of a list \(field larger"),
    ],
)
def test_what_is_no_list(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        rows(tmp_path, text)
    assert "\n" not in str(caught.value)


def notes(tmp_path: Path, text: str) -> tuple[str, ...]:
    (tmp_path / "list.csv").write_text(text, "utf-8")
    return read_list(tmp_path / "list.csv").notes


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    assert notes(tmp_path, "path,label\na.avi,run\n") == ()
    assert notes(tmp_path, "path,label,fps\na.avi,run,25\n") == (
        "columns of 'list.csv' that are not read: 'fps'",
    )
    assert notes(tmp_path, "path,label,split\na.avi,run,\nb.avi,walk,\n") == (
        "the column of subsets in 'list.csv' is empty and not used",
    )


def test_empty_cells_behind_a_row(tmp_path: Path) -> None:
    assert rows(tmp_path, "path;label\na.avi;run;;\n") == [("a.avi", "run", "", "")]
