"""The file a training resumes from: written atomically, read without unpickling what is unknown.

It is Lightning's checkpoint (weights, optimizer, learning rates, loop positions, callbacks). The
new file is complete on the disk before it takes the old one's name, so that a killed process or
a full disk leaves the previous one.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from vcc.errors import TrainingError, one_line


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a training's state, replacing a file of that name once the new one is whole.

    Args:
        path: the file; its folder is made.
        state: tensors and plain containers.

    Raises:
        TrainingError: the disk is full or read-only; the previous file stays as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Left by a process that was killed while it wrote.
        for stale in path.parent.glob(f".{path.name}.*"):
            stale.unlink(missing_ok=True)
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                torch.save(dict(state), file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
            _sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    # torch's writer reports a failed write of the file below it as a RuntimeError.
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or _cause(error)
        kept = "the previous checkpoint there is kept" if path.is_file() else "nothing is there yet"
        msg = (
            f"{path}: the checkpoint could not be written ({reason}); {kept}: free some space, "
            "then resume, or choose another folder by results"
        )
        raise TrainingError(msg) from error


def read_state(path: Path) -> dict[str, Any]:
    """Read a training's state; tensors come to the CPU as they are used.

    Raises:
        TrainingError: there is no such file, it is damaged, or it holds more than tensors and
            plain containers.
    """
    if not path.is_file():
        msg = f"{path}: there is no such checkpoint: give the file last.ckpt that training wrote"
        raise TrainingError(msg)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        msg = (
            f"{path}: holds objects that are not loaded for safety: resume from a file that "
            "training here wrote"
        )
        raise TrainingError(msg) from error
    except Exception as error:  # a damaged file fails anywhere in the reader
        msg = f"{path}: the checkpoint is damaged ({type(error).__name__}): take an older one"
        raise TrainingError(msg) from error
    if not isinstance(state, dict) or not {"state_dict", "loops", "callbacks"} <= set(state):
        msg = (
            f"{path}: is not a training's checkpoint: give the file last.ckpt that training wrote "
            "(weights alone are for pretrain_path)"
        )
        raise TrainingError(msg)
    return state


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's way to the two functions above."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint, whole or not at all."""
        write_state(Path(path), checkpoint)

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint to the CPU; unknown objects are refused whatever the caller says."""
        return read_state(Path(path))

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a renaming last through a power failure."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _cause(error: BaseException) -> str:
    """Return the operating system's reason at the bottom of a chain of errors."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__cause__ or below.__context__
    return one_line(error, at_most=200)
