"""Names of builders, and the short names of what they build."""

from __future__ import annotations

import re

import pytest

from vcc.config.networks.builders import Builder, builder_name, is_builder, read_builder
from vcc.errors import ModelError


def test_they_are_read() -> None:
    assert read_builder("python:a.b:make") == Builder("python", "a.b", "make")
    assert read_builder("python:a.b:make").package == "a"
    assert read_builder("torchvision:s3d").factory == "s3d"
    assert not is_builder("resnet")


@pytest.mark.parametrize(
    "name",
    ["python:a.b", "python:a:b:c", "python:../a:b", "python:a.:b", "timm:x", ":", "python:a:"],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="neither a family nor torchvision:NAME nor python:"):
        read_builder(name)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({}, "a.b.make"),
        ({"width": 1.5, "depth": 18}, "a.b.make-depth18-width1.5"),
        ({"deep": True}, "a.b.make-deeptrue"),
    ],
)
def test_short_names(arguments: dict[str, object], name: str) -> None:
    assert builder_name("python:a.b:make", arguments) == name


@pytest.mark.parametrize("arguments", [{"path": "a/b"}, {"widths": [1, 2]}, {"name": "x" * 60}])
def test_arguments_that_no_name_can_hold_become_a_digest(arguments: dict[str, object]) -> None:
    found = builder_name("python:a.b:make", arguments)

    assert re.fullmatch(r"a\.b\.make-[0-9a-f]{8}", found)
    assert found != builder_name("python:a.b:make", {**arguments, "more": 1})
