"""Options check themselves, whoever makes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from vcc.config.options import Options, option
from vcc.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Sample(Options):
    """An options class with one field of each kind."""

    count: int = option(3, "how many", at_least=1, at_most=9)
    rate: float = option(0.5, "how fast", above=0)
    kind: str = option("a", "which", choices=("alpha", "a"))
    steps: tuple[int, ...] = option((1, 2), "when", at_least=1)
    folder: Path | None = option(None, "where")
    flag: bool = option(False, "whether")


@dataclass(frozen=True, kw_only=True)
class Part(Options):
    """A part of Sample."""

    count: int = option(1, "how many")


def test_defaults_are_valid_and_dumped_as_json_types() -> None:
    assert Sample().as_dict() == {
        "count": 3,
        "rate": 0.5,
        "kind": "a",
        "steps": [1, 2],
        "folder": None,
        "flag": False,
    }
    assert Sample(folder=Path("x/y")).as_dict()["folder"] == "x/y"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count: 0 is out of range: it must be at least 1"),
        ({"count": 10}, "count: 10 is out of range: it must be at most 9"),
        ({"count": 1.5}, "count: 1.5 is not a whole number"),
        ({"count": True}, "count: True is not a whole number"),
        ({"rate": 0.0}, "rate: 0.0 is out of range: it must be more than 0"),
        ({"rate": "fast"}, "rate: 'fast' is not a number"),
        ({"kind": "alhpa"}, "kind: 'alhpa' is not one of alpha, a: did you mean alpha?"),
        ({"steps": (1, 0)}, "steps: 0 is out of range"),
        ({"steps": [1]}, "is not a list of whole numbers"),
        ({"folder": "text"}, "folder: 'text' is not a path"),
        ({"flag": 1}, "flag: 1 is not true or false"),
    ],
)
def test_a_bad_value_is_refused_by_name(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(").replace("?", r"\?")):
        Sample(**values)


def test_an_integer_is_a_number() -> None:
    assert Sample(rate=2).rate == 2


def test_from_mapping_names_the_place_and_the_nearest_key() -> None:
    with pytest.raises(ConfigError, match=r"file.yaml: unknown key 'cout': did you mean count\?"):
        Sample.from_mapping({"cout": 1}, where="file.yaml")
    assert Sample.from_mapping({"count": 2}, where="file.yaml").count == 2


def test_pick_takes_the_declared_part() -> None:
    assert Sample(count=7).pick(Part) == Part(count=7)
