"""Which form of labels a path means; forms of other packages."""

from __future__ import annotations

from pathlib import Path

import pytest
from strangers import install_package

from vcc.data.annotations.forms import LABEL_FORMS, load_annotation
from vcc.errors import DataError

ONE_PER_LINE = """
from vcc.data.annotations.annotation import Annotation, Entry
from vcc.data.annotations.forms import LABEL_FORMS

@LABEL_FORMS.register("one-per-line")
class OnePerLine:
    accepts = "lists of one video per line"
    rank = 50

    def recognises(self, path, split):
        return path.suffix == ".lines"

    def read(self, path, split):
        rows = [line.split() for line in path.read_text().splitlines()]
        entries = tuple(Entry(video, label, subset, None) for video, label, subset in rows)
        labels = tuple(sorted({entry.label for entry in entries}))
        return Annotation(labels, entries, f"split{split}")
"""


def test_folder_without_annotation(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no annotation for split 1 there"):
        load_annotation(tmp_path, 1)


def test_the_message_names_what_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="UCF101's lists, HMDB51's lists, Kinetics' CSV files, lists"
    ):
        load_annotation(tmp_path, 1)


def test_lists_win_over_csv_and_csv_over_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"labels": ["by json"], "database": {}}')
    with pytest.raises(DataError, match=r"a\.json: lists no video"):
        load_annotation(tmp_path, 1)
    header = "label,youtube_id,time_start,time_end,split\n"
    (tmp_path / "a.csv").write_text(f"{header}by csv,b,0,1,train\n")
    assert load_annotation(tmp_path, 1).labels == ("by csv",)
    (tmp_path / "wave_test_split1.txt").write_text("e.avi 2\n")
    assert load_annotation(tmp_path, 1).labels == ("wave",)


def test_what_no_form_takes_is_read_as_json(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text("run\n")
    with pytest.raises(DataError, match=r"labels\.yaml: no list that is known"):
        load_annotation(tmp_path / "labels.yaml", 1)


def test_another_package_registers_a_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_package(tmp_path, monkeypatch, LABEL_FORMS, ONE_PER_LINE)
    (tmp_path / "all.lines").write_text("a run train\nb walk test\n")
    annotation = load_annotation(tmp_path / "all.lines", 2)
    assert (annotation.labels, annotation.split) == (("run", "walk"), "split2")
    assert "one-per-line" in LABEL_FORMS
