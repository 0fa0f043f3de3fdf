"""JSON records as lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vcc.data.annotations.forms import load_annotation
from vcc.data.lists.records import is_records, record_cells
from vcc.errors import DataError


def test_something_something(tmp_path: Path) -> None:
    row = {"label": "pushing a pen", "template": "Pushing [something] away", "placeholders": ["a"]}
    other = {**row, "template": "Holding [something]"}
    name = "something-something-v2"
    (tmp_path / f"{name}-train.json").write_text(json.dumps([{"id": "7", **row}]))
    (tmp_path / f"{name}-validation.json").write_text(json.dumps([{"id": "8", **other}]))
    (tmp_path / f"{name}-test.json").write_text('[{"id": "9"}]')
    (tmp_path / f"{name}-labels.json").write_text('{"Holding something": "0"}')
    for opened in (tmp_path, tmp_path / f"{name}-train.json"):
        annotation = load_annotation(opened, 1)
        assert [(e.id, e.label, e.subset) for e in annotation.entries] == [
            ("7", "Pushing something away", "train"),
            ("8", "Holding something", "test"),
        ]
        assert annotation.notes[-1] == "test videos without a label, left out: 1"


def test_diving48(tmp_path: Path) -> None:
    rows = [{"vid_name": f"v{n}", "label": n % 2, "start_frame": 0} for n in range(3)]
    (tmp_path / "Diving48_train.json").write_text(json.dumps(rows[:2]))
    (tmp_path / "Diving48_test.json").write_text(json.dumps(rows[2:]))
    annotation = load_annotation(tmp_path / "Diving48_train.json", 1)
    assert [(e.id, e.label, e.subset) for e in annotation.entries] == [
        ("v0", "0", "train"), ("v1", "1", "train"), ("v2", "0", "test"),
    ]  # fmt: skip
    assert "columns of 'Diving48_train.json' that are not read: 'start_frame'" in annotation.notes


def test_a_record_per_line() -> None:
    text = '{"video": "a.mp4", "label": true}\n\n{"video": "b.mp4", "more": {}}\n'
    assert record_cells(text, Path("a.jsonl")) == [
        (0, ["video", "label"]), (1, ["a.mp4", "True"]), (2, ["b.mp4", ""]),
    ]  # fmt: skip
    assert record_cells("[]", Path("a.json")) == []


def test_which_files_are_records(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('\n [{"id": 1}]')
    (tmp_path / "b.json").write_text('{"labels": []}')
    assert is_records(tmp_path / "a.json")
    assert not is_records(tmp_path / "b.json")
    assert not is_records(tmp_path / "none.json")
    assert not is_records(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [("[1, 2]", "not a list of JSON records"), ("[{]", r"not JSON records \(Expecting")],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        record_cells(text, Path("a.json"))
