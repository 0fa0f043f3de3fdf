"""YAML with the line of every value, and one line for what is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from growing_yaml import GROWING, HARMLESS

from vcc.compression.schedule.yaml_tree import describe_path, parse_tree, read_tree
from vcc.errors import ScheduleError

TEXT = """\
pruners:
  first: {class: A}
policies:
  - pruner:
      instance_name: first
    epochs: [0,
             1]
"""


def test_every_value_has_its_line() -> None:
    tree = parse_tree(TEXT, "file.yaml")
    assert tree.value["policies"][0]["epochs"] == [0, 1]
    assert tree.line(("pruners", "first", "class")) == 2
    assert tree.line(("policies", 0, "pruner", "instance_name")) == 5
    assert tree.line(("policies", 0, "epochs", 1)) == 7
    # what is not there has the line of what should hold it
    assert tree.line(("policies", 0, "frequency")) == 4


def test_a_path_is_written_as_people_do() -> None:
    assert describe_path(("policies", 0, "pruner")) == "policies[0].pruner"
    assert describe_path(()) == "top level"


def test_repeated_keys_are_noted_and_keys_stay_text() -> None:
    tree = parse_tree("on: 1\n0: 2\non: 3\n", "file.yaml")
    assert tree.value == {"on": 3, "0": 2}
    assert tree.repeated == (("on",),)


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert parse_tree("# nothing\n", "file.yaml").value == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,\nb: 2", r"file.yaml:\d: not valid YAML"),
        ("a: 1\nb: \x07", "file.yaml:2: .*character"),
    ],
)
def test_what_is_not_yaml_is_named_by_line(text: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=message) as told:
        parse_tree(text, "file.yaml")
    assert "\n" not in str(told.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match=r"none.yaml: no such schedule file"):
        read_tree(tmp_path / "none.yaml")
    with pytest.raises(ScheduleError, match="cannot read the schedule"):
        read_tree(tmp_path)


@pytest.mark.parametrize("text", GROWING)
def test_a_document_that_grows_by_its_references_is_refused_at_once(text: str) -> None:
    with pytest.raises(
        ScheduleError, match=r"file\.yaml: (its references come to|line 1: a value refers)"
    ):
        parse_tree(text, "file.yaml")


def test_references_that_people_write_are_followed() -> None:
    assert parse_tree(HARMLESS, "file.yaml").value["again"] == [{"a": 1}, {"a": 1, "b": 2}]
