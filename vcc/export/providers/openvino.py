"""OpenVINO on the CPU."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from vcc.config.export import RUNTIMES
from vcc.export.providers.base import Provider

if TYPE_CHECKING:
    from vcc.export.runtimes.session import Session


@RUNTIMES.register("openvino")
class OpenVino(Provider):
    """The CPU, in float32, int8, and half precision where it has instructions for it."""

    precisions = ("f32", "f16", "bf16")
    timed = ("f32", "bf16")
    int8_target = "cpu"

    def preload(self) -> None:
        """Import OpenVINO, where it is installed, and make its core."""
        if importlib.util.find_spec("openvino"):
            from vcc.export.runtimes.openvino import start_openvino

            start_openvino()

    def open(self, path: Path, *, threads: int, precision: str) -> Session:
        """Return a session of a file."""
        from vcc.export.runtimes.openvino import OpenVinoSession

        return OpenVinoSession(path, threads=threads, precision=precision)
