"""How many cores a process may use, in a container and out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vcc.data import machine


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("1000 100000", 1),
        ("6400000 100000", 8),
        ("200000 0", 8),
        ("nonsense", 8),
        (None, 8),
    ],
)
def test_a_container_s_share_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, expected: int
) -> None:
    quota = tmp_path / "cpu.max"
    if content is not None:
        quota.write_text(content)
    monkeypatch.setattr(machine, "_QUOTA_FILE", quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert machine.usable_cores() == expected


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 AVX512_VNNI\nflags\t\t: other\n", {"fpu", "avx2"}),
        ("Features\t: fp asimdhp\n", {"fp", "asimdhp"}),
        ("model name\t: one that tells nothing\n", set()),
        (None, set()),
    ],
)
def test_flags_are_those_of_the_first_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, flags: set[str]
) -> None:
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(machine, "_CPU_FILE", tmp_path / "cpuinfo")
    found = machine.cpu_flags.__wrapped__()
    assert found - {"avx512_vnni"} == flags
    assert "AVX512_VNNI" not in found


def test_a_package_has_a_version_or_none() -> None:
    assert machine.package_version("pytest") == pytest.__version__
    assert machine.package_version("no-such-package-of-anyone") is None
