"""Whatever is done to an annotation, reading it works or says what is wrong in one DataError."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fuzzing import few_or_many, fuzz
from hypothesis import strategies as st

from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.thesis_json import read_json, write_json
from vcc.data.annotations.ucf101 import read_table
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.frame_folder import FrameFolder
from vcc.errors import DataError

T = TypeVar("T")

COUNTS = "3,2,1" + ",0" * 22

# A valid annotation in every form: file names to content. The first file is what is opened, or the
# folder where it is None.
FORMS: dict[str, tuple[str | None, dict[str, str]]] = {
    "json": (
        "some_01.json",
        {
            "some_01.json": json.dumps(
                {
                    "labels": ["run", "walk"],
                    "database": {
                        "a": {"subset": "training", "annotations": {"label": "run"}, "group": "g1"},
                        "b": {"subset": "validation", "annotations": {"label": "walk"}},
                        "c": {"subset": "testing"},
                    },
                }
            )
        },
    ),
    "ucf101": (
        "trainlist01.txt",
        {
            "classInd.txt": "1 Run\n2 Walk\n",
            "trainlist01.txt": "Run/v_Run_g08_c01.avi 1\nWalk/v_Walk_g08_c01.avi 2\n",
            "testlist01.txt": "Run/v_Run_g01_c01.avi\n",
        },
    ),
    "hmdb51": (
        None,
        {
            "wave_test_split1.txt": "a b.avi 1\nc.avi 2\nd.avi 0\n",
            "brush_hair_test_split1.txt": "e.avi 1\n",
        },
    ),
    "kinetics": (
        "kinetics.csv",
        {
            "kinetics.csv": "label,youtube_id,time_start,time_end,split\n"
            "playing guitar,-x_1,5,15,train\nabseiling,yy,0,10,val\n,zz,0,10,test\n"
        },
    ),
    "path-list": (
        "train.csv",
        {
            "train.csv": "path,label\nrun/a b.avi,0\nwalk/c.avi,1\n",
            "val.csv": "run/d.avi,0\n",
            "classes.txt": "0 run\n1 walk\n",
        },
    ),
    "table": (None, {"clip_counts.csv": f"index,class\n1,Run,{COUNTS}\n2,Walk,{COUNTS}\n"}),
}
TEXT_JUNK = [
    "", " ", "\n", "\r", "\t", "\0", ",", '"', "/", "..", "²", "١", "-1", "1e400", "inf", "nan",
    "9" * 5000, "\ufeff", "\x85", "\u2028", "Run", "1", "label", "[", "{", "a" * 140_000,
]  # fmt: skip
BYTE_JUNK = [text.encode() for text in TEXT_JUNK] + [b"\xff", b"\xe9", b"\xed\xa0\x80", b"\xff\xfe"]
JSON_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["run", "walk", "training", "validation", "testing", "\ud800", "", "a\nb"]),
    st.lists(st.sampled_from(["run", "run", 1, None, []]), max_size=3),
    st.dictionaries(st.sampled_from(["label", "subset", "a"]), st.just("run"), max_size=2),
)


@st.composite
def damaged(draw: st.DrawFn, form: str) -> dict[str, bytes]:
    """The files of a form with one to four stretches cut out or written over."""
    files = {name: text.encode() for name, text in FORMS[form][1].items()}
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(files)))
        begin = draw(st.integers(0, len(files[name])))
        length = draw(st.integers(0, 12) | st.just(len(files[name])))
        junk = draw(st.sampled_from(BYTE_JUNK) | st.binary(max_size=8))
        files[name] = files[name][:begin] + junk + files[name][begin + length :]
    return files


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((*path, key))
        if isinstance(item, dict | list):
            found += _places(item, (*path, key))
    return found


@st.composite
def misshapen(draw: st.DrawFn) -> dict[str, bytes]:
    """The JSON form with one to three values replaced, dropped or renamed."""
    ((name, text),) = FORMS["json"][1].items()
    content = copy.deepcopy(json.loads(text))
    for _ in range(draw(st.integers(1, 3))):
        if not (places := _places(content)):
            break
        *parents, last = draw(st.sampled_from(places))
        owner: Any = content
        for key in parents:
            owner = owner[key]
        action = draw(st.sampled_from(["replace", "replace", "drop", "rename"]))
        if action == "replace":
            owner[last] = draw(JSON_JUNK)
        elif action == "drop":
            del owner[last]
        elif isinstance(owner, dict):
            owner[draw(st.sampled_from(["", "a", "..", "a/a", "\udcff"]))] = owner.pop(last)
    return {name: json.dumps(content).encode()}


def _outcome(read: Callable[[], T], folder: Path) -> T | None:
    """Return what was read, or None where one line of a DataError said which file is wrong."""
    words = ""
    try:
        return read()
    except DataError as error:
        words = str(error)
    assert str(folder) in words
    assert "\n" not in words
    return None


def _check(form: str, files: dict[str, bytes]) -> None:
    opened = FORMS[form][0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        path = folder / opened if opened else folder
        annotation = _outcome(lambda: load_annotation(path, 1), folder)
        if form == "table":
            _outcome(lambda: read_table(folder / "clip_counts.csv"), folder)
        if annotation is None:
            return
        assert 0 < len(set(annotation.labels)) == len(annotation.labels)
        assert 0 < len({entry.id for entry in annotation.entries}) == len(annotation.entries)
        assert {entry.label for entry in annotation.entries} <= set(annotation.labels)
        assert {entry.subset for entry in annotation.entries} <= {"train", "dev", "test"}
        write_json(annotation, folder / "again.json")
        again = read_json(folder / "again.json")
        assert again.labels == annotation.labels
        assert [entry.id for entry in again.entries] == [entry.id for entry in annotation.entries]


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_is_valid_before_it_is_damaged(form: str, tmp_path: Path) -> None:
    for name, text in FORMS[form][1].items():
        (tmp_path / name).write_text(text, "utf-8")
    annotation = load_annotation(tmp_path / (FORMS[form][0] or "."), 1)
    assert len(annotation.labels) == 2


@few_or_many(150)
@pytest.mark.parametrize("form", sorted(FORMS))
def test_damaged_files_are_read_or_refused(form: str, examples: int) -> None:
    fuzz(damaged(form), lambda files: _check(form, files), examples)


@few_or_many(150)
def test_misshapen_json_is_read_or_refused(examples: int) -> None:
    fuzz(misshapen(), lambda files: _check("json", files), examples)


@few_or_many(150)
def test_any_bytes_are_read_or_refused(examples: int) -> None:
    anything = st.binary(max_size=60) | st.text(max_size=60).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )

    def check(case: tuple[str, bytes]) -> None:
        form, content = case
        _check(form, dict.fromkeys(FORMS[form][1], content))

    fuzz(st.tuples(st.sampled_from(sorted(FORMS)), anything), check, examples)


@few_or_many(150)
def test_any_frame_count_is_read_or_a_bad_file(examples: int) -> None:
    contents = st.sampled_from(BYTE_JUNK) | st.binary(max_size=8) | st.just(b"2\n")

    def check(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as name:
            for file in ("image_00001.jpg", "image_00002.jpg"):
                (Path(name) / file).write_bytes(b"")
            (Path(name) / "n_frames").write_bytes(content)
            words, declared = "", None
            try:
                declared = FrameFolder(Path(name)).declared
            except BadVideoError as error:
                words = str(error)
            assert "\n" not in words
            assert words or declared == int(content)

    fuzz(contents, check, examples)
