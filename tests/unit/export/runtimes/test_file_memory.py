"""Memory of a file in a runtime, each in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest
import torch
from commands import run_command
from torch import nn

from vcc.errors import ExportError
from vcc.export.onnx_file import export_onnx
from vcc.export.runtimes import file_memory as session_memory
from vcc.export.runtimes.file_memory import Asked, peak_bytes

MIB = 2**20
SHAPE = (3, 2, 16, 16)


class Wide(nn.Module):
    """A linear layer of 24 MiB."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1536, 4096)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layer(pixels.flatten(1))
        return logits


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["cpu", "openvino"])
def test_every_file_counts_in_full_whatever_ran_before(tmp_path: Path, provider: str) -> None:
    path = export_onnx(Wide(), tmp_path / "wide.onnx", clip_shape=SHAPE, opset=20, metadata={})
    asked = Asked(path=path, provider=provider, precision="auto", threads=1, shape=(2, *SHAPE))
    first, second = peak_bytes(asked), peak_bytes(asked)
    # at least the weights; loading may hold them several times
    assert 24 * MIB < first < 400 * MIB
    assert abs(first - second) < 0.3 * first


def test_what_cannot_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no graph")
    asked = Asked(
        path=tmp_path / "text.onnx", provider="cpu", precision="auto", threads=1, shape=(1, *SHAPE)
    )
    with pytest.raises(ExportError, match=r"text\.onnx"):
        peak_bytes(asked)


ASKED = Asked(path=Path("any.onnx"), provider="cpu", precision="auto", threads=1, shape=(1, *SHAPE))


def test_a_process_that_ends_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_memory, "_PROGRAM", "import os; os._exit(3)")
    with pytest.raises(ExportError, match=r"the process that ran any\.onnx ended with exit code 3"):
        peak_bytes(ASKED)


def test_a_process_that_never_answers_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(psutil.Process().children())
    monkeypatch.setattr(session_memory, "_PROGRAM", "import time; time.sleep(3600)")
    with pytest.raises(ExportError, match=r"memory not measured: no answer in 0\.5 s"):
        peak_bytes(ASKED, limit_s=0.5)
    assert set(psutil.Process().children()) <= before


def test_the_measuring_process_carries_neither_torch_nor_threads_of_this_one() -> None:
    code = "import sys, vcc.export.runtimes.catalog; sys.exit('torch' in sys.modules)"
    assert run_command([sys.executable, "-c", code]).returncode == 0
