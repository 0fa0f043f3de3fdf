"""A search has one target, and says which are known."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.search import SearchOptions
from vcc.errors import ConfigError


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "one target is needed, none is given: set one of target_latency_ms, target_speedup"),
        (
            {"target_macs": 0.5, "target_latency_ms": 4.0},
            "one target is needed, target_latency_ms and target_macs are given",
        ),
        ({"target_macs": 1.5}, "target_macs: 1.5 is out of range"),
        ({"target_speedup": 1.0}, "target_speedup: 1.0 is out of range: it must be more than 1"),
        ({"target_macs": 0.5, "provider": "openvinno"}, "provider: 'openvinno' is not one of"),
        ({"storage": "postgresql+psycopg://me:secret@db/search"}, "storage: holds a password"),
        ({"storage": "mysql://me:a@b:3306@db/s"}, "storage: holds a password"),
        ({"target_macs": 0.5, "final_epochs": 2}, "final_epochs: 2 is out of range"),
        ({"target_macs": 0.5, "clips": ("8by112",)}, "clips: '8by112' is no clip: write FRAMESx"),
        ({"target_macs": 0.5, "clips": ("8x7",)}, "clips: '8x7' is no clip"),
        ({"target_macs": 0.5, "clips": ("8x112", "true")}, "clips: 'true' is no clip"),
    ],
)
def test_what_cannot_be_is_one_line(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SearchOptions(**given).target  # noqa: B018 - asking for it is what fails
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "storage", ["postgresql://me@db:5432/search", "postgresql://db/search", "sqlite:////a:b@c/x.db"]
)
def test_a_storage_without_a_password_is_taken(storage: str) -> None:
    assert SearchOptions(storage=storage).storage == storage


@pytest.mark.parametrize("clips", [(), ("true",), ("false",), ("8x112", "16x80")])
def test_clips_are_named_or_on_or_off(clips: tuple[str, ...]) -> None:
    assert SearchOptions(clips=clips).clips == clips


def test_the_target_is_named() -> None:
    assert SearchOptions(target_size_mb=2).target == ("target_size_mb", 2.0)
    assert SearchOptions(target_size_mb=2, max_drop=0.1).target == ("target_size_mb", 2.0)
    assert SearchOptions(max_drop=0.1).target == ("max_drop", 0.1)
