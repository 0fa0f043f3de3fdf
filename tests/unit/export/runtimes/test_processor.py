"""How a processor adds products of int8."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest

from vcc.errors import ExportError
from vcc.export.runtimes import processor
from vcc.export.runtimes.processor import Sums, int8_sums, sums_as_run, sums_by_flags


@pytest.mark.parametrize(
    ("machine", "flags", "sums"),
    [
        ("x86_64", {"avx2"}, Sums.SATURATE),
        ("AMD64", {"avx2", "avx_vnni"}, Sums.EXACT),
        ("x86_64", {"avx512_vnni"}, Sums.EXACT),
        ("x86_64", {"amx_int8"}, Sums.EXACT),
        ("x86_64", set(), Sums.UNKNOWN),
        ("aarch64", set(), Sums.EXACT),
        ("arm64", {"asimd"}, Sums.EXACT),
    ],
)
def test_flags_tell_where_there_are_some(machine: str, flags: set[str], sums: Sums) -> None:
    assert sums_by_flags(machine, frozenset(flags)) is sums


@pytest.fixture
def on_x86(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor.platform, "machine", lambda: "x86_64")


@pytest.mark.usefixtures("on_x86")
@pytest.mark.parametrize(
    ("flags", "tried", "sums"),
    [
        # What saturates by its flags is not tried.
        ({"avx2"}, Sums.EXACT, Sums.SATURATE),
        # A library may be told to use less than there is.
        ({"avx_vnni"}, Sums.SATURATE, Sums.SATURATE),
        ({"avx_vnni"}, Sums.UNKNOWN, Sums.EXACT),
        (set(), Sums.SATURATE, Sums.SATURATE),
        (set(), Sums.UNKNOWN, Sums.UNKNOWN),
    ],
)
def test_what_a_runtime_shows_goes_before_a_promise(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], tried: Sums, sums: Sums
) -> None:
    monkeypatch.setattr(processor, "cpu_flags", lambda: frozenset(flags))
    monkeypatch.setattr(processor, "sums_as_run", lambda _: tried)
    assert int8_sums("cpu") is sums
    assert int8_sums("cuda") is Sums.EXACT


EXACT = 255.0 * 127.0 * 32 * 27


@pytest.mark.parametrize(
    ("found", "sums"),
    [(EXACT, Sums.EXACT), (EXACT / 2, Sums.SATURATE), (None, Sums.UNKNOWN)],
)
def test_a_convolution_at_the_extremes_tells(
    monkeypatch: pytest.MonkeyPatch, found: float | None, sums: Sums
) -> None:
    seen: list[Any] = []

    class Provider:
        def open(self, path: Any, *, threads: int, precision: str) -> Any:
            seen.append((onnx.load(str(path)), threads, precision))
            if found is None:
                raise ExportError
            return SimpleNamespace(run=lambda pixels: np.full((1, 1), found))

    monkeypatch.setattr(processor.RUNTIMES, "get", lambda _: Provider)
    assert sums_as_run.__wrapped__("made up") is sums
    ((model, threads, precision),) = seen
    assert [node.op_type for node in model.graph.node].count("Conv") == 1
    assert (threads, precision) == (1, "int8")
