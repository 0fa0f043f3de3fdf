"""What a runtime registers: what it can compute, and how it opens a file."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from vcc.export.runtimes.session import Session


class Provider(abc.ABC):
    """A runtime, or one of its ways to execute; registered as a class, made without arguments.

    Attributes:
        precisions: what it can compute float files in, of f32, f16 and bf16; auto is the first.
        timed: those that the table of runtimes has a row for.
        on_gpu: whether a GPU executes it: such sums of int8 products do not saturate.
        int8_target: whose integers it runs, cpu or tensorrt; None: it runs no quantized file.
        no_int8: then why, and what to do instead.
        halves_file: whether f16 is had by a float16 copy of the file, not by a setting.
    """

    precisions: ClassVar[tuple[str, ...]] = ("f32",)
    timed: ClassVar[tuple[str, ...]] = ("f32",)
    on_gpu: ClassVar[bool] = False
    int8_target: ClassVar[str | None] = None
    no_int8: ClassVar[str] = "it runs no integers: export the float network"
    halves_file: ClassVar[bool] = False

    def preload(self) -> None:  # noqa: B027 - nothing is the rule
        """Import its packages, where that is not done by importing vcc's sessions."""

    @abc.abstractmethod
    def open(self, path: Path, *, threads: int, precision: str) -> Session:
        """Return a session of a file.

        Args:
            path: the ONNX file.
            threads: CPU threads, at least 1.
            precision: one of `precisions`, or int8 for a quantized file.

        Raises:
            ExportError: the file cannot be loaded, or the runtime cannot start here.
        """
