"""UCF101's official lists, rebuilt from the table of clip counts that the repository keeps."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.splits import check_groups
from vcc.data.annotations.thesis_json import read_json
from vcc.data.annotations.ucf101 import official_annotation, read_table

FOLDER = Path(__file__).resolve().parents[2] / "annotation_UCF101"

# Published with the data set: videos for training and for test.
TOTALS = {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ucf101")
    shutil.copy(FOLDER / "clip_counts.csv", folder)
    load_annotation(folder / "ucf101_03.json", 1)
    return folder


@pytest.mark.parametrize("split", [1, 2, 3])
def test_totals_and_groups(split: int) -> None:
    annotation = official_annotation(read_table(FOLDER / "clip_counts.csv"), split)
    subsets = Counter(entry.subset for entry in annotation.entries)
    assert (subsets["train"], subsets["test"]) == TOTALS[split]
    assert len({entry.id for entry in annotation.entries}) == 13320
    assert len(annotation.labels) == 101
    assert {entry.label for entry in annotation.entries} == set(annotation.labels)
    check_groups(annotation.entries)


def test_first_and_last_lines_of_the_official_lists(rebuilt: Path) -> None:
    train = (rebuilt / "trainlist01.txt").read_text().splitlines()
    test = (rebuilt / "testlist01.txt").read_text().splitlines()
    assert train[0] == "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1"
    assert train[-1] == "YoYo/v_YoYo_g25_c05.avi 101"
    assert test[0] == "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi"
    assert test[-1].startswith("YoYo/v_YoYo_g07_c")
    assert "HandstandPushups/v_HandStandPushups_g01_c01.avi" in test
    assert (rebuilt / "classInd.txt").read_text().splitlines()[46:48] == [
        "47 JumpingJack",
        "48 JumpRope",
    ]


def test_table_lists_and_json_say_the_same(rebuilt: Path) -> None:
    table = load_annotation(FOLDER, 2)
    assert load_annotation(rebuilt / "ucf101_02.json", 1) == table
    assert load_annotation(rebuilt / "trainlist02.txt", 1) == table


def test_kept_files_are_those_made_from_the_table(rebuilt: Path) -> None:
    for name in ("classInd.txt", "ucf101_01.json"):
        assert (FOLDER / name).read_bytes() == (rebuilt / name).read_bytes()
    assert read_json(FOLDER / "ucf101_01.json").split == "split1"


def test_the_table_is_the_reference(shared: Path) -> None:
    reference = shared / "ucf101" / "clip_counts.csv"
    assert reference.read_text() == (FOLDER / "clip_counts.csv").read_text()
