"""List files of UCF101, HMDB51 and Kinetics, and which one a path means."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.annotation import Entry
from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.lists import read_hmdb_lists, read_kinetics_csv, read_ucf_lists
from vcc.errors import DataError


@pytest.fixture
def ucf_lists(tmp_path: Path) -> Path:
    (tmp_path / "classInd.txt").write_text("2 Walk\r\n1 Run\r\n", "utf-8")
    (tmp_path / "trainlist02.txt").write_text(
        "Run/v_Run_g01_c01.avi 1\nWalk/v_Walk_g01_c01.avi 2\n", "utf-8"
    )
    (tmp_path / "testlist02.txt").write_text("Run/v_Run_g08_c01.avi\n", "utf-8")
    return tmp_path


def test_ucf_lists(ucf_lists: Path) -> None:
    annotation = read_ucf_lists(ucf_lists, 2)
    assert annotation.labels == ("Run", "Walk")
    assert annotation.split == "split2"
    assert annotation.entries == (
        Entry("v_Run_g01_c01", "Run", "train", "Run_g01"),
        Entry("v_Walk_g01_c01", "Walk", "train", "Walk_g01"),
        Entry("v_Run_g08_c01", "Run", "test", "Run_g08"),
    )


def test_a_list_file_or_its_folder_name_the_same(ucf_lists: Path) -> None:
    expected = read_ucf_lists(ucf_lists, 2)
    assert load_annotation(ucf_lists / "testlist02.txt", 1) == expected
    assert load_annotation(ucf_lists, 2) == expected


def test_user_lists_win_over_the_table(ucf_lists: Path) -> None:
    counts = ",".join(["1"] * 25)
    header = "index,class," + ",".join(f"g{i:02d}" for i in range(1, 26))
    (ucf_lists / "clip_counts.csv").write_text(f"{header}\n1,Jump,{counts}\n", "utf-8")
    assert load_annotation(ucf_lists, 2).labels == ("Run", "Walk")
    assert load_annotation(ucf_lists, 1).labels == ("Jump",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("classInd.txt", "Run 1\n", r"classInd\.txt:1: 'Run 1' is not `NUMBER CLASS`"),
        ("trainlist02.txt", "Jump/v_Jump_g01_c01.avi 3\n", "class 'Jump' is not in classInd"),
        ("testlist02.txt", "Run/v_Run_g01_c01.avi\n", "'v_Run_g01_c01' is listed twice"),
        ("classInd.txt", "1 Run\n² Walk\n", r"classInd\.txt:2: '² Walk' is not `NUMBER CLASS`"),
        ("classInd.txt", "1 Run\n1 Walk\n", "number 1 is given twice"),
        ("classInd.txt", "1 Run\n2 Run\n", r"a label is listed twice \('Run'\)"),
        ("classInd.txt", "\n", "there are none"),
        ("trainlist02.txt", "Run/v_Run_g01_c01.avi 2\n", "'2' is not the number of 'Run'"),
    ],
)
def test_bad_ucf_lists(ucf_lists: Path, name: str, text: str, message: str) -> None:
    (ucf_lists / name).write_text(text, "utf-8")
    with pytest.raises(DataError, match=message):
        read_ucf_lists(ucf_lists, 2)


@pytest.mark.parametrize("name", ["classInd.txt", "trainlist02.txt", "testlist02.txt"])
def test_lists_that_are_not_utf8(ucf_lists: Path, name: str) -> None:
    (ucf_lists / name).write_bytes(b"1 caf\xe9\n")
    with pytest.raises(DataError, match=rf"{name}: not UTF-8 text \(byte 5\)"):
        read_ucf_lists(ucf_lists, 2)


def test_missing_list(ucf_lists: Path) -> None:
    with pytest.raises(DataError, match="no such list file"):
        load_annotation(ucf_lists / "trainlist03.txt", 1)


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


def test_folder_without_annotation(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no annotation for split 1 there"):
        load_annotation(tmp_path, 1)
