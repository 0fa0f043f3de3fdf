"""The database that runs are tracked in, where there is no server before it.

MLflow makes a new one in hundreds of steps that take seconds, and can neither use nor finish one
that a killed process left half-made. Here it is made beside its place and takes its name when it is
whole. Of a database on another machine it asks ten times, for minutes and without a word: here it
is asked once, before.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.engine import create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from vcc.errors import TrackingError, one_line

_SCHEME = "sqlite:///"
_REMOTE = ("postgresql", "mysql", "mssql")
# Beyond what a busy database takes to answer a first time.
_LIMIT_S = 60
# Their drivers' argument of that name; others have limits of their own.
_WITH_LIMIT = ("psycopg", "psycopg2", "pymysql", "mysqldb")


def open_database(uri: str) -> None:
    """Make the SQLite file of a tracking URI, or see that MLflow can use what is there.

    Args:
        uri: any tracking URI; one of a server is left to MLflow.

    Raises:
        TrackingError: it cannot be made or reached, or is not a whole database of MLflow's.
    """
    if uri.startswith(_REMOTE):
        _reach(uri)
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


def _reach(uri: str) -> None:
    url = make_url(uri)
    limited = url.get_driver_name() in _WITH_LIMIT and "connect_timeout" not in url.query
    limit = {"connect_timeout": _LIMIT_S} if limited else {}
    try:
        create_engine(url, poolclass=NullPool, connect_args=limit).connect().close()
    except SQLAlchemyError as error:
        msg = (
            f"{url.render_as_string(hide_password=True)}: does not answer "
            f"({one_line(error, at_most=160)}): check MLFLOW_TRACKING_URI and that it runs"
        )
        raise TrackingError(msg) from error
