"""The thesis's JSON form: what is read, and the one-line errors for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vcc.data.annotations.annotation import Annotation, Entry
from vcc.data.annotations.thesis_json import read_json, write_json
from vcc.errors import DataError


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), "utf-8")
    return path


def video(subset: Any = "training", label: Any = "run", **more: Any) -> dict[str, Any]:
    return {"subset": subset, "annotations": {"label": label}, **more}


def test_reads_subsets_labels_and_groups(tmp_path: Path) -> None:
    content = {
        "labels": ["run", "walk"],
        "database": {
            "a": video(group="g7"),
            "v_walk_g03_c02": video("validation", "walk"),
            "c": {"subset": "testing"},
        },
    }
    annotation = read_json(write(tmp_path / "some_02.json", content))
    assert annotation == Annotation(
        labels=("run", "walk"),
        entries=(
            Entry("a", "run", "train", "g7"),
            Entry("v_walk_g03_c02", "walk", "test", "walk_g03"),
        ),
        split="split2",
    )
    assert read_json(write(tmp_path / "clips.json", content)).split == "clips"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "has no `labels` and `database`"),
        ({"labels": ["run"]}, "has no `labels` and `database`"),
        ({"labels": ["run", "run"], "database": {}}, "a label is listed twice"),
        ({"labels": ["run"], "database": {"x": video(None)}}, r"database\.x: subset is None"),
        ({"labels": ["run"], "database": {"x": "training"}}, r"database\.x: subset is None"),
        ({"labels": ["run"], "database": {"x": video(label="rum")}}, "did you mean run"),
        ({"labels": ["run"], "database": {"x": {"subset": "training"}}}, "label None is not in"),
        (
            {"labels": ["run"], "database": {"x": video(label=["run"])}},
            r"label \['run'\] is not in",
        ),
        ({"labels": ["run"], "database": {"x": video(["training"])}}, r"subset is \['training'\]"),
        ({"labels": 3, "database": {}}, "labels: not a list of texts"),
        ({"labels": ["run", 3], "database": {}}, "labels: not a list of texts"),
        ({"labels": "run", "database": {}}, "labels: not a list of texts"),
        ({"labels": [], "database": {}}, "labels: there are none"),
        ({"labels": ["run", " "], "database": {}}, "' ' is no name for a class"),
        ({"labels": ["r\ud800"], "database": {}}, r"'r\\ud800' is no name for a class"),
        ({"labels": ["run"], "database": [video()]}, "database: not an object"),
        ({"labels": ["run"], "database": {}}, "lists no video for training or test"),
        ({"labels": ["run"], "database": {"a\ud800": video()}}, "is no name for a video"),
        ({"labels": ["run"], "database": {"a\nb": video(None)}}, r"database\.'a\\nb': subset"),
    ],
)
def test_bad_content_is_named(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_json(write(tmp_path / "a.json", content))
    assert "\n" not in str(caught.value)
    assert "a.json" in str(caught.value)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such annotation"):
        read_json(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match="not a JSON file"):
        read_json(tmp_path / "broken.json")
    (tmp_path / "broken.json").write_text("[" * 100_000, "utf-8")
    with pytest.raises(DataError, match="not a JSON file"):
        read_json(tmp_path / "broken.json")
    (tmp_path / "broken.json").write_text(
        '{"labels": ["a"], "database": {"x": 1, "x": 2}}', "utf-8"
    )
    with pytest.raises(DataError, match=r"not a JSON file \('x' stands there twice\)"):
        read_json(tmp_path / "broken.json")
    (tmp_path / "broken.json").write_bytes(b'{"labels": ["\xe9"], "database": {}}')
    with pytest.raises(DataError, match=r"not UTF-8 text \(byte 13\); as Windows-1252 .* read 'é'"):
        read_json(tmp_path / "broken.json")


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    content = {"labels": ["run"], "database": {"x": video()}}
    path = tmp_path / "marked.json"
    path.write_text(json.dumps(content), "utf-8-sig")
    assert read_json(path).labels == ("run",)


def test_written_annotation_reads_back(tmp_path: Path) -> None:
    entries = (Entry('odd "name" ü', "run", "train", None), Entry("b", "walk", "test", None))
    annotation = Annotation(("run", "walk"), entries, "again")
    write_json(annotation, tmp_path / "again.json")
    assert read_json(tmp_path / "again.json") == annotation


def test_survfight(shared: Path) -> None:
    annotation = read_json(shared / "videos" / "survfight.json")
    assert annotation.labels == ("fight", "noFight")
    subsets = [entry.subset for entry in annotation.entries]
    assert (subsets.count("train"), subsets.count("test")) == (170, 40)
    assert annotation.entries[0] == Entry("fi001", "fight", "train", "v001")


def test_keys_with_suffixes_and_folders(tmp_path: Path) -> None:
    database = {
        "a.mp4": video(),
        "fight/0001.AVI": video(),
        "walk/v_walk_g03_c02.avi": video("validation", "walk"),
        "b.avi": video(),
        "b.mkv": video(),
        "v1.2": video(),
    }
    content = {"labels": ["run", "walk"], "database": database}
    annotation = read_json(write(tmp_path / "a.json", content))
    assert [entry.id for entry in annotation.entries] == [
        "a", "fight/0001", "walk/v_walk_g03_c02", "b.avi", "b.mkv", "v1.2",
    ]  # fmt: skip
    assert annotation.entries[2].group == "walk_g03"


def test_composed_and_decomposed_letters_are_the_same(tmp_path: Path) -> None:
    content = {"labels": ["Caf\u00e9"], "database": {"e\u0301": video(label="Cafe\u0301")}}
    annotation = read_json(write(tmp_path / "a.json", content))
    assert annotation.labels == ("Caf\u00e9",)
    assert (annotation.entries[0].id, annotation.entries[0].label) == ("\u00e9", "Caf\u00e9")


def test_validation_beside_labelled_test_is_dev(tmp_path: Path) -> None:
    database = {"a": video("Train"), "b": video("val"), "c": video("testing"), "d": video("test")}
    annotation = read_json(write(tmp_path / "a.json", {"labels": ["run"], "database": database}))
    assert [entry.subset for entry in annotation.entries] == ["train", "dev", "test", "test"]
    assert annotation.notes == ("those of 'a.json' are the split: val is dev, so that dev_share "
                                "is not used",)  # fmt: skip
    write_json(annotation, tmp_path / "again.json")
    again = read_json(tmp_path / "again.json")
    assert [entry.subset for entry in again.entries] == ["train", "dev", "test", "test"]


def test_segments_and_other_files_are_told(tmp_path: Path) -> None:
    segments = {"subset": "training", "annotations": [{"segment": [0, 1], "label": "run"}]}
    path = write(tmp_path / "a.json", {"labels": ["run"], "database": {"x": segments}})
    with pytest.raises(DataError, match=r"database\.x: annotations is a list, as of segments"):
        read_json(path)
    (tmp_path / "a.xml").write_text("<annotations/>")
    with pytest.raises(DataError, match=r"a\.xml: no list that is known; give one with `labels`"):
        read_json(tmp_path / "a.xml")
