"""Official lists of UCF101's form, rebuilt from a table of clip counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.ucf101 import (
    CLASS_INDEX_NAME,
    TABLE_NAME,
    ClassRow,
    official_annotation,
    read_table,
    write_official_files,
)
from vcc.errors import DataError

# Two clips in groups 1 and 8 each, none elsewhere.
COUNTS = [2, *[0] * 6, 2, *[0] * 17]


def write_table(folder: Path) -> Path:
    """Write a table of two classes, one of which is spelt differently in its files."""
    counts = ",".join(map(str, COUNTS))
    text = f"index,class,clips\n1,HandstandPushups,{counts}\n\n2,Run,{counts}\n"
    (folder / TABLE_NAME).write_text(text)
    return folder / TABLE_NAME


def test_a_row_is_a_class_with_its_clips_per_group(tmp_path: Path) -> None:
    assert read_table(write_table(tmp_path)) == (
        ClassRow(1, "HandstandPushups", tuple(COUNTS)),
        ClassRow(2, "Run", tuple(COUNTS)),
    )


def test_a_split_tests_on_its_seven_groups() -> None:
    first = official_annotation((ClassRow(1, "Run", tuple(COUNTS)),), 1)
    assert [(entry.id, entry.subset) for entry in first.entries] == [
        ("v_Run_g08_c01", "train"),
        ("v_Run_g08_c02", "train"),
        ("v_Run_g01_c01", "test"),
        ("v_Run_g01_c02", "test"),
    ]
    assert (first.labels, first.split) == (("Run",), "split1")
    assert first.entries[0].group == "Run_g08"
    # The second split tests on groups 8 to 14.
    second = official_annotation((ClassRow(1, "Run", tuple(COUNTS)),), 2)
    assert [entry.id[6:9] for entry in second.entries if entry.subset == "test"] == ["g08", "g08"]


def test_files_are_written_beside_the_table(tmp_path: Path) -> None:
    write_table(tmp_path)
    write_official_files(tmp_path)
    lists = [f"{kind}list{split:02d}.txt" for kind in ("train", "test") for split in (1, 2, 3)]
    jsons = [f"ucf101_{split:02d}.json" for split in (1, 2, 3)]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {TABLE_NAME, CLASS_INDEX_NAME, *lists, *jsons}
    assert (tmp_path / CLASS_INDEX_NAME).read_text() == "1 HandstandPushups\n2 Run\n"
    assert (tmp_path / "trainlist01.txt").read_text().splitlines()[0] == (
        "HandstandPushups/v_HandStandPushups_g08_c01.avi 1"
    )
    table = official_annotation(read_table(tmp_path / TABLE_NAME), 3)
    assert load_annotation(tmp_path / "ucf101_03.json", 1) == table
    assert load_annotation(tmp_path / "trainlist03.txt", 1) == table


def test_own_files_are_not_overwritten(tmp_path: Path) -> None:
    write_table(tmp_path)
    (tmp_path / "testlist01.txt").write_text("Run/v_Run_g01_c01.avi\n")
    load_annotation(tmp_path / "ucf101_01.json", 1)
    assert (tmp_path / "testlist01.txt").read_text() == "Run/v_Run_g01_c01.avi\n"


def test_a_list_that_could_not_be_written_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Half of one would be taken for the user's own from then on.
    write_table(tmp_path)

    def fail(path: Path, text: str, **_: object) -> int:
        path.write_bytes(text[:5].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="No space left"):
        write_official_files(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [TABLE_NAME]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no table of clip counts; restore it"):
        read_table(tmp_path / TABLE_NAME)


def test_damaged_table(tmp_path: Path) -> None:
    path = tmp_path / "clip_counts.csv"
    path.write_text("index,class,g01\n1,Run,4\n")
    with pytest.raises(DataError, match="'Run': not 25 counts of 0 to 99 clips"):
        read_table(path)
    path.write_text(f"index,class\n1,Run{',4' * 24},{10**12}\n")
    with pytest.raises(DataError, match="'Run': not 25 counts"):
        read_table(path)
    path.write_bytes(b"index,class\n1,Caf\xe9\n")
    with pytest.raises(DataError, match="not UTF-8 text"):
        read_table(path)
    path.write_text("index,class,g01\none,Run,4\n")
    with pytest.raises(DataError, match="not a table of clip counts"):
        read_table(path)
