"""Lists of path and label: which files belong together, what labels are, and the split."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.data.annotations.annotation import Annotation
from vcc.data.annotations.forms import load_annotation
from vcc.errors import DataError


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return folder


def found(annotation: Annotation) -> list[tuple[str, str, str]]:
    return [(entry.id, entry.label, entry.subset) for entry in annotation.entries]


BOTH = [("1", "run", "train"), ("2", "walk", "train"), ("3", "run", "test")]


@pytest.mark.parametrize("opened", ["train.csv", "val.csv", "."])
def test_a_list_per_subset(tmp_path: Path, opened: str) -> None:
    write(tmp_path, train__csv="a/1.mp4 0\nb/2.mp4 1\n", val__csv="a/3.mp4 0\n")
    write(tmp_path, classes__txt="run\nwalk\n", notes__md="more")
    annotation = load_annotation(tmp_path / opened, 1)
    assert found(annotation) == BOTH
    assert (annotation.labels, annotation.split) == (("run", "walk"), "lists")
    assert annotation.notes == (
        "the lists 'train.csv', 'val.csv' are the split: val is what is tested on, dev is taken "
        "from train",
    )


def test_val_beside_test_is_dev_and_unlabelled_rows_are_left_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        train__txt="path,label\n1.avi,run\n2.avi,walk\n",
        val__txt="path,label\n3.avi,run\n",
    )
    write(tmp_path, test__txt="path,label\n4.avi,walk\n5.avi,\n")
    annotation = load_annotation(tmp_path / "train.txt", 1)
    assert [row[2] for row in found(annotation)] == ["train", "train", "dev", "test"]
    assert annotation.notes[1] == "test videos without a label, left out: 1"


def test_lists_of_several_splits(tmp_path: Path) -> None:
    for split in (1, 2):
        (tmp_path / f"ucf_train_split_{split}_videos.txt").write_text(f"run/{split}.avi 0\n")
        (tmp_path / f"ucf_val_split_{split}_videos.txt").write_text(f"walk/{split + 4}.avi 1\n")
    annotation = load_annotation(tmp_path, 2)
    assert (annotation.split, annotation.labels) == ("split2", ("run", "walk"))
    assert found(annotation) == [("2", "run", "train"), ("6", "walk", "test")]
    with pytest.raises(DataError, match="several lists; give one of them"):
        load_annotation(tmp_path, 3)


def test_a_column_of_subsets(tmp_path: Path) -> None:
    write(
        tmp_path, mine__csv="file,label,split\n1.avi,run,train\n2.avi,walk,Train\n3.avi,run,val\n"
    )
    annotation = load_annotation(tmp_path / "mine.csv", 1)
    assert found(annotation) == BOTH
    assert annotation.split == "mine"


@pytest.mark.parametrize("name", ["mine.csv", "train.csv"])
def test_without_subsets_the_split_is_yet_to_be_drawn(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("1.avi,run\n2.avi,walk\n")
    annotation = load_annotation(tmp_path / name, 1)
    assert annotation.split == ""
    assert {entry.subset for entry in annotation.entries} == {"train"}


class TestNumbers:
    @pytest.mark.parametrize(
        ("name", "text", "labels"),
        [
            ("classInd.txt", "1 run\n2 my walk\n3 jump\n", ("run", "my walk")),
            ("label_map.txt", "run\nmy walk\n", ("run", "my walk")),
            ("labels.csv", 'id,name\n0,none\n1,run\n2,"my walk"\n', ("run", "my walk")),
            ("other.md", "", ("1", "2")),
        ],
    )
    def test_names_stand_in_a_file(
        self, tmp_path: Path, name: str, text: str, labels: tuple[str, ...]
    ) -> None:
        (tmp_path / name).write_text(text)
        (tmp_path / "all.txt").write_text("a.avi 1\nb.avi 2\n")
        assert load_annotation(tmp_path / "all.txt", 1).labels == labels

    def test_numbers_keep_their_order(self, tmp_path: Path) -> None:
        write(tmp_path, all__txt="x/a.avi 10\ny/b.avi 9\nz/c.avi 2\n")
        # One folder per number names them.
        assert load_annotation(tmp_path / "all.txt", 1).labels == ("z", "y", "x")
        write(tmp_path, all__txt="x/a.avi 10\nx/b.avi 9\n")
        assert load_annotation(tmp_path / "all.txt", 1).labels == ("9", "10")

    def test_an_unknown_number(self, tmp_path: Path) -> None:
        write(tmp_path, all__txt="a.avi 0\nb.avi 7\n", classes__txt="run\nwalk\n")
        with pytest.raises(DataError, match=r"classes\.txt: no class of the number 7"):
            load_annotation(tmp_path / "all.txt", 1)


def test_one_name_in_two_folders(tmp_path: Path) -> None:
    write(
        tmp_path, all__csv="/k/train/run/1.mp4,run\n/k/val/run/1.mp4,run\n/k/val/walk/1.mp4,walk\n"
    )
    ids = [entry.id for entry in load_annotation(tmp_path / "all.csv", 1).entries]
    assert ids == ["train/run/1", "val/run/1", "walk/1"]


def test_a_split_that_is_drawn_is_explained(tmp_path: Path) -> None:
    write(tmp_path, mine__csv="path,label,split,subject\n1.avi,run,train,7\n2.avi,walk,train,8\n")
    annotation = load_annotation(tmp_path / "mine.csv", 1)
    assert annotation.split == ""
    assert annotation.notes[0].startswith("the subsets of 'mine.csv' name training videos alone")
    assert annotation.notes[1] == "columns of 'mine.csv' that are not read: 'subject'"
    assert annotation.notes[2].startswith("'subject' may say which videos belong together")


@pytest.mark.parametrize("opened", ["labels.csv", "."])
def test_a_list_may_have_the_name_of_a_file_of_classes(tmp_path: Path, opened: str) -> None:
    write(tmp_path, labels__csv="path,label\na.avi,0\nb.avi,1\n")
    assert load_annotation(tmp_path / opened, 1).labels == ("0", "1")


def test_flags_are_the_split(tmp_path: Path) -> None:
    write(tmp_path, mine__csv="path,label,is_valid\n1.avi,1.0,0\n2.avi,2.0,0\n3.avi,1.0,1\n")
    annotation = load_annotation(tmp_path / "mine.csv", 1)
    assert found(annotation) == [("1", "1", "train"), ("2", "2", "train"), ("3", "1", "test")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.avi,run\n1.avi,walk\n", r"1 video has more than one label, first '1\.avi': 'run', 'w"),
        ("1.avi,run\n2.avi,Run\n", "'Run' and 'run' differ in upper and lower case, blanks or"),
        ("1.avi,run\n2.avi,caf\u00c3\u00a9\n", "is 'é' saved in the wrong encoding; save the list"),
        ("path,label,split\n1.avi,a,train\n1.avi,a,test\n", "listed twice, for train and for test"),
        ("x/1 0 120 a\nx/2 0 99 b\n", "rows of DIR OFFSET FRAMES LABEL"),
        ("1.avi\n2.avi\n", r"mine\.csv:1: no label for '1\.avi'"),
        ("path,label,split\n1.avi,run,trian\n", "subset 'trian' is none: did you mean train"),
        ("path,label,split\n1.avi,run,test\n", "no video for training"),
        ("path,label,split\n1.avi,run,test\n2.avi,run,train\n3.avi,run,\n", "some rows name"),
        ("1.avi,run\n1.avi,run\n", r"video '1\.avi' is listed twice"),
        ("path,label\n1.avi,\n", r"mine\.csv:2: no label"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, mine__csv=text)
    with pytest.raises(DataError, match=message) as caught:
        load_annotation(tmp_path / "mine.csv", 1)
    assert "\n" not in str(caught.value)
