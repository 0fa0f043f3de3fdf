"""Trust is what the user said, for as long as the command runs."""

from __future__ import annotations

import os

import pytest

from vcc.config.entrypoints import CompressEntry, PromoteEntry, TrainEntry
from vcc.config.networks.trust import VARIABLE, named_packages, trusted_packages, trusting


def test_the_variable_and_the_command_line_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " a, ,b")
    with trusting(["c"]):
        assert trusted_packages() == {"a", "b", "c"}
    assert os.environ[VARIABLE] == " a, ,b"


def test_it_ends_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(KeyError), trusting(["c"]):
        raise KeyError
    assert VARIABLE not in os.environ
    assert trusted_packages() == set()


def test_whom_a_command_line_names() -> None:
    assert named_packages(TrainEntry(model="python:mine.nets:make")) == ("mine",)
    assert named_packages(CompressEntry(trust=("a", "b"), t_model="python:c:make")) == (
        "a",
        "b",
        "c",
    )
    assert named_packages(CompressEntry(model="torchvision:s3d")) == ()
    assert named_packages(PromoteEntry()) == ()
