"""The run of processes that do not speak to MLflow: all but the first of a distributed training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcc.config.options import Options
from vcc.tracking.runs import Run


class SilentRun(Run):
    """Takes what a run takes, and sends nothing."""

    def __init__(self, run_id: str = "none") -> None:
        self.run_id = run_id
        self.experiment_id = "none"

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int | None = None, model_id: str | None = None
    ) -> None:
        """Drop figures."""

    def settle(self, seconds: float = 0.0) -> None:
        """Wait for nothing."""

    def log_options(self, options: Options, *, again: bool = False) -> None:
        """Drop options."""

    def log_resolved(self, values: Mapping[str, Any]) -> None:
        """Drop what options came to."""

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Drop parameters."""

    def log_dataset(self, *, name: str, root: Path, digest: str, context: str) -> None:
        """Drop a data set."""

    def log_text(self, text: str, name: str) -> None:
        """Drop a text."""

    def log_dict(self, content: Mapping[str, Any], name: str) -> None:
        """Drop a mapping."""

    def log_file(self, path: Path, folder: str | None = None) -> None:
        """Drop a file."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Drop tags."""

    def describe(self, text: str) -> None:
        """Drop a description."""
