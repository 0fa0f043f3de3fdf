"""The SQLite file that runs are tracked in where there is no server.

MLflow makes a new one in hundreds of steps that take seconds, and can neither use nor finish one
that a killed process left half-made. Here it is made beside its place and takes its name when it is
whole.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from vcc.errors import TrackingError, one_line

_SCHEME = "sqlite:///"


def open_database(uri: str) -> None:
    """Make the SQLite file of a tracking URI, or see that MLflow can use the one that is there.

    Args:
        uri: any tracking URI; one of another kind is left to MLflow.

    Raises:
        TrackingError: it cannot be made, or is not a whole database of MLflow's.
    """
    if not uri.startswith(_SCHEME):
        return
    name = make_url(uri).database or ""
    if name.startswith((":memory:", "file:")):
        return
    path = Path(name)
    if not path.name or path.is_dir():
        msg = f"{uri}: names no file: write sqlite:///PATH/mlflow.db"
        raise TrackingError(msg)
    try:
        if not path.exists():
            _make(path)
        mlflow.MlflowClient(uri).search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = one_line(error, at_most=160)
        msg = (
            f"{uri}: cannot be opened ({reason}): check that the folder can be written to; where a "
            f"process was killed while it made {path.name}, delete that file: nothing is in it yet"
        )
        raise TrackingError(msg) from error


def _make(path: Path) -> None:
    with tempfile.TemporaryDirectory(
        prefix=f".partial-{path.name}-", dir=path.parent, ignore_cleanup_errors=True
    ) as folder:
        new = Path(folder) / path.name
        mlflow.MlflowClient(f"{_SCHEME}{new}").search_experiments(max_results=1)
        # Unlike a renaming, it never takes the place of one that another process made meanwhile.
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
