"""UCF101's list files, and the table that stands for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.annotation import Entry
from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.ucf101_lists import read_ucf_lists
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
        ("testlist02.txt", "Run/v_Run_g01_c01.avi\n", r"'Run/v_Run_g01_c01\.avi' is listed twice"),
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


def test_tabs_and_backslashes(ucf_lists: Path) -> None:
    expected = read_ucf_lists(ucf_lists, 2)
    (ucf_lists / "classInd.txt").write_text("2\tWalk\n1\tRun\n", "utf-8")
    (ucf_lists / "trainlist02.txt").write_text(
        "Run\\v_Run_g01_c01.avi\t1\nWalk\\v_Walk_g01_c01.avi\t2\n", "utf-8"
    )
    # Some copies have the number in the test list, too.
    (ucf_lists / "testlist02.txt").write_text("Run\\v_Run_g08_c01.avi 1\n", "utf-8")
    assert read_ucf_lists(ucf_lists, 2) == expected
    (ucf_lists / "testlist02.txt").write_text("Run/v_Run_g08_c01.avi 2\n", "utf-8")
    with pytest.raises(DataError, match=r"testlist02\.txt:1: '2' is not the number of 'Run'"):
        read_ucf_lists(ucf_lists, 2)


def test_one_name_in_two_classes(ucf_lists: Path) -> None:
    (ucf_lists / "trainlist02.txt").write_text("Run/1.avi 1\nWalk/1.avi 2\nWalk/2.avi 2\n")
    ids = [entry.id for entry in read_ucf_lists(ucf_lists, 2).entries]
    assert ids == ["Run/1", "Walk/1", "2", "v_Run_g08_c01"]


def test_classes_in_decomposed_letters(ucf_lists: Path) -> None:
    (ucf_lists / "classInd.txt").write_text("1 Cafe\u0301\n2 Walk\n", "utf-8")
    (ucf_lists / "trainlist02.txt").write_text("Caf\u00e9/a.avi 1\nWalk/b.avi 2\n", "utf-8")
    (ucf_lists / "testlist02.txt").write_text("Cafe\u0301/c.avi\n", "utf-8")
    assert read_ucf_lists(ucf_lists, 2).labels == ("Caf\u00e9", "Walk")
