"""The command of an entry point as a user types it, and the one that a step names as the next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

# What finds the data where nothing is said: the newest data set in this folder.
_DEFAULT_ROOT = Path("data")


class NamesData(Protocol):
    """Options that say which prepared data set is meant."""

    @property
    def root_path(self) -> Path:
        """Folder that prepared data sets lie in."""

    @property
    def dataset(self) -> str | None:
        """Name of the data set; None for the default."""


def entry_command(name: str, options: Mapping[str, object]) -> str:
    """Return the command that runs an entry point."""
    words = [f"-P {shlex.quote(f'{key}={value}')}" for key, value in options.items()]
    return " ".join([f"mlflow run . -e {name} --env-manager local", *words])


def next_command(name: str, options: Mapping[str, object], data: NamesData) -> str:
    """Return the line that names the next command, on the same data as the step that ends.

    Args:
        name: of the entry point.
        options: what the command needs, besides the data.
        data: options of the step. A data set that was named, and a folder that is not the
            default, are named again: else the newest data set would be taken.
    """
    found: dict[str, object] = {}
    if data.root_path != _DEFAULT_ROOT:
        found["root_path"] = data.root_path
    if data.dataset is not None:
        found["dataset"] = data.dataset
    return f"next: {entry_command(name, {**options, **found})}"
