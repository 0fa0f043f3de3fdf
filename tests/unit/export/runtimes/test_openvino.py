"""OpenVINO sessions come and go without a trace in their process."""

from __future__ import annotations

import sys
from pathlib import Path

from commands import run_command
from torch import nn

from vcc.export.onnx_file import export_onnx

_SIGNAL_AFTER_SESSIONS = """
import faulthandler, os, signal, sys
from pathlib import Path
from vcc.export.runtimes.catalog import open_session
# As pytest and `python -X faulthandler` do: signals then have a stack of their own.
faulthandler.enable()
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
sessions = [open_session(Path(sys.argv[1]), provider="openvino", threads=1) for _ in range(3)]
while sessions:
    del sessions[0]
os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_a_signal_is_handled_after_several_sessions(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    path = export_onnx(
        network, tmp_path / "tiny.onnx", clip_shape=(3, 1, 2, 2), opset=20, metadata={}
    )
    done = run_command(
        [sys.executable, "-c", _SIGNAL_AFTER_SESSIONS, str(path)],
    )
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
