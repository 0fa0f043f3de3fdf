"""YAML that says each thing once, or is refused in one line."""

from __future__ import annotations

import pytest
from growing_yaml import GROWING, HARMLESS

from vcc.config.yaml_files.strict import line_of, read_yaml
from vcc.errors import ConfigError


def test_it_says_what_it_says() -> None:
    assert read_yaml("a: 1\nb: {a: 2}\n", where="x.yaml") == {"a": 1, "b": {"a": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1, c: 2}\n", "line 2: 'c' stands there twice, first in line 2"),
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' stands there twice, first in line 1"),
        ("a: [", "x.yaml: not valid YAML"),
        ("a: 2026-13-45", "month must be in 1..12"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as told:
        read_yaml(text, where="x.yaml")
    assert "\n" not in str(told.value)


def test_the_line_of_a_key_at_the_top() -> None:
    text = "a: 1\nb:\n  c: 2\n"
    assert (line_of(text, "b"), line_of(text, "c")) == (2, None)
    assert line_of("[1]", "a") is None


@pytest.mark.parametrize("text", GROWING)
def test_a_document_that_grows_by_its_references_is_refused_at_once(text: str) -> None:
    with pytest.raises(ConfigError, match="references come to|refers to itself") as told:
        read_yaml(text, where="x.yaml")
    assert len(str(told.value)) < 200


def test_references_that_people_write_are_followed() -> None:
    assert read_yaml(HARMLESS, where="x.yaml")["again"] == [{"a": 1}, {"a": 1, "b": 2}]
