"""Which column is which, by name and by content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from vcc.data.lists.columns import Columns, column_name, find_columns, is_header, path_place
from vcc.errors import DataError

WHERE = Path("list.csv")


def columns(*rows: str) -> Columns:
    return find_columns([row.split(",") for row in rows], WHERE)


def places(found: Columns) -> tuple[int, int, int, int]:
    return found.path, found.label, found.subset, found.group


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("path,label", "a,b"), (0, 1, -1, -1)),
        (("Partition,Group ID,class,file_name", "a,b,c,d"), (3, 2, 0, 1)),
        (("clip,sport", "a.mp4,golf"), (0, 1, -1, -1)),
        (("sample,label", "a.mp4,golf"), (0, 1, -1, -1)),
        (("path", "x/a.mp4"), (0, -1, -1, -1)),
        # Whatever a column is called that names subsets.
        (("path,label,purpose", "a,b,train", "c,d,test"), (0, 1, 2, -1)),
        (("path,label,fold", "a,b,Train", "c,d,val"), (0, 1, 2, -1)),
        (("a.mp4,golf,train", "b.mp4,run,test"), (0, 1, 2, -1)),
        (("train,golf,a.mp4", "test,run,b.mp4"), (2, 1, 0, -1)),
        (("a,90,2", "b,30,1"), (0, 2, -1, -1)),
        (("a.mp4,90,golf,train", "b.mp4,30,run,val"), (0, 2, 3, -1)),
        # A class called as a column is.
        (("a.mp4,action", "b.mp4,walk"), (0, 1, -1, -1)),
    ],
)
def test_places(rows: Sequence[str], expected: tuple[int, int, int, int]) -> None:
    assert places(columns(*rows)) == expected


def test_what_is_not_read_is_known() -> None:
    found = columns(",path,label,fps,Subject", "0,a,b,25,7")
    assert found.unread == ("fps", "Subject")
    assert found.like_groups == ("Subject",)
    assert not found.has_subsets


@pytest.mark.parametrize(
    ("header", "rows", "subsets"),
    [
        ("path,label,is_train", ("a,b,True", "c,d,0"), ["train", "test"]),
        ("path,label,is_valid", ("a,b,False", "c,d,TRUE"), ["train", "val"]),
        ("path,label,is_test", ("a,b,1.0", "c,d,0.0"), ["test", "train"]),
        ("path,label,train,val,test", ("a,b,1,0,0", "c,d,0,1,0", "e,f,0,0,1"),
         ["train", "val", "test"]),
        ("path,label,is_train,is_val", ("a,b,1,0", "c,d,0,1", "e,f,0,0"), ["train", "val", "test"]),
    ],
)  # fmt: skip
def test_flags(header: str, rows: Sequence[str], subsets: Sequence[str]) -> None:
    found = columns(header, *rows)
    assert found.has_subsets
    assert not found.unread
    assert [found.subset_of(row.split(","), "here") for row in rows] == subsets


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("path,label,is_train,is_test", "a,b,1,1"),
        ("path,label,is_train", "a,b,2"),
        ("path,label,is_train", "a,b,"),
    ],
)
def test_flags_that_say_nothing(header: str, row: str) -> None:
    with pytest.raises(DataError, match="here: train '.*: not one subset; correct the row"):
        columns(header, row).subset_of(row.split(","), "here")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("path,label,fold", "a,b,1", "c,d,2"), "'fold' says folds, not which of them is for test"),
        (("filename,run,walk", "a.mp4,1,0"), "none of the columns 'filename', 'run', 'walk' is kn"),
        (("clip a,label", "x,b"), "known to be that of paths of videos"),
        (("a.mp4,b,c", "d.mp4,e,f"), "3 columns and no header"),
    ],
)
def test_what_cannot_be_told(rows: Sequence[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        columns(*rows)


def test_a_fold_beside_a_split_is_not_read() -> None:
    found = columns("path,label,fold,set", "a,b,1,train", "c,d,2,test")
    assert (found.subset, found.unread) == (3, ("fold",))


def test_names_of_columns() -> None:
    assert [column_name(name) for name in (" YouTube ID", "time_start", "Höhe")] == [
        "youtubeid", "timestart", "höhe",
    ]  # fmt: skip
    assert is_header(["Label", "n", "Video Path"])
    assert path_place(["Label", "n", "Video Path"]) == 2
    assert not is_header(["a.mp4", "label"])
