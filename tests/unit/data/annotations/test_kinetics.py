"""Kinetics' CSV files."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.annotation import Entry
from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.kinetics import read_kinetics_csv
from vcc.errors import DataError


def test_kinetics_csv(tmp_path: Path) -> None:
    header = "label,youtube_id,time_start,time_end,split\n"
    rows = "playing guitar,-x_1,5,15,train\nabseiling,yy,0,10,val\n,zz,0,10,test\n"
    path = tmp_path / "kinetics.csv"
    path.write_text(header + rows)
    annotation = load_annotation(path, 1)
    assert annotation.labels == ("abseiling", "playing guitar")
    assert annotation.entries == (
        Entry("-x_1_000005_000015", "playing guitar", "train", "-x_1"),
        Entry("yy_000000_000010", "abseiling", "test", "yy"),
    )
    path.write_text("label,split\n")
    with pytest.raises(DataError, match="no column time_end, time_start, youtube_id"):
        read_kinetics_csv([path])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"a,b,soon,10,train", r"kinetics\.csv:2: time_start is 'soon', not a number of seconds"),
        (b"a,b,5,inf,train", r"kinetics\.csv:2: time_end is 'inf', not a number of seconds"),
        (b"a,b,nan,5,train", r"kinetics\.csv:2: time_start is 'nan'"),
        (b"a,b,-1,5,train", r"kinetics\.csv:2: time_start is '-1'"),
        (b"a,b,1", r"kinetics\.csv:2: nothing in split, time_end; complete the row"),
        (b",b,1,2,train", r"kinetics\.csv:2: nothing in label"),
        (b"a,b,1,2,trian", r"split 'trian' is none of Kinetics': did you mean train"),
        (b"\xe9,b,1,2,train", r"kinetics\.csv: not UTF-8 text"),
        (
            b'"' + b"x" * 200_000,
            r"kinetics\.csv: after line 1: not a row of a CSV file \(field larger",
        ),
        (b",x,0,10,test", "lists no video for training or test"),
    ],
)
def test_bad_rows_of_kinetics(tmp_path: Path, row: bytes, message: str) -> None:
    path = tmp_path / "kinetics.csv"
    path.write_bytes(b"label,youtube_id,time_start,time_end,split\n" + row + b"\n")
    with pytest.raises(DataError, match=message):
        load_annotation(path, 1)


@pytest.mark.parametrize(
    "header",
    ["Label, YouTube ID, Time Start, Time End, Split", "label,youtube-id,time start,timeEnd,SPLIT"],
)
def test_headers_with_blanks_and_capitals(tmp_path: Path, header: str) -> None:
    path = tmp_path / "Kinetics.CSV"
    path.write_text(f"{header}\nrun, a, 0, 10, Train\nwalk, b, 5, 15, Validate\n, c, 0, 10, Test\n")
    assert [(e.id, e.subset) for e in load_annotation(path, 1).entries] == [
        ("a_000000_000010", "train"),
        ("b_000005_000015", "test"),
    ]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    header = "label,youtube_id,time_start,time_end,split\n"
    (tmp_path / "train.csv").write_text(f"{header}run,a,0,10,train\nwalk,b,5,15,val\n")
    (tmp_path / "test.csv").write_text(f"{header}run,c,0,10,test\n,d,0,10,test\n")
    # Kinetics-600's list of the test set has no column of labels.
    (tmp_path / "test600.csv").write_text("youtube_id,time_start,time_end,split\ne,0,10,test\n")
    annotation = load_annotation(tmp_path, 1)
    assert [entry.id for entry in annotation.entries] == ["a_000000_000010", "b_000005_000015"]
    assert "files are taken to be cut already" in annotation.notes[0]
    assert annotation.notes[1] == "rows of test, left out: 3, of which 1 have a label"
    (tmp_path / "test600.csv").write_text("youtube_id,time_start,time_end,split\ne,0,10,train\n")
    with pytest.raises(DataError, match=r"test600\.csv:2: nothing in label"):
        load_annotation(tmp_path, 1)
