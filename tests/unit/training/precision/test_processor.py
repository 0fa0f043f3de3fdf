"""What the processor says of itself decides which formats are tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vcc.data import machine as machine_module
from vcc.data.machine import cpu_flags
from vcc.training.precision.processor import computes_natively


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    cpu_flags.cache_clear()
    yield
    cpu_flags.cache_clear()


def machine(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> None:
    path.write_text(text)
    monkeypatch.setattr(machine_module, "_CPU_FILE", path)


@pytest.mark.parametrize(
    ("line", "bf16", "fp16"),
    [
        ("flags\t\t: fpu avx avx2 fma", False, False),
        ("flags\t\t: avx2 avx512f avx512_vnni", False, False),
        ("flags\t\t: avx2 avx512f avx512_bf16", True, False),
        ("flags\t\t: avx2 avx_ne_convert", True, False),
        ("flags\t\t: avx512f amx_bf16 avx512_fp16", True, True),
        ("Features\t: fp asimd asimdhp bf16", True, True),
        ("Features\t: fp asimd", False, False),
    ],
)
def test_a_format_is_native_where_there_are_instructions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, *, bf16: bool, fp16: bool
) -> None:
    machine(monkeypatch, tmp_path / "cpuinfo", f"processor\t: 0\n{line}\n")
    assert computes_natively("fp32")
    assert (computes_natively("bf16"), computes_natively("fp16")) == (bf16, fp16)


def test_a_limit_of_onednn_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine(monkeypatch, tmp_path / "cpuinfo", "flags : avx2 avx512_bf16\n")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert not computes_natively("bf16")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
    assert computes_natively("bf16")


def test_a_machine_that_does_not_tell_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine_module, "_CPU_FILE", tmp_path / "none")
    assert not computes_natively("bf16")
