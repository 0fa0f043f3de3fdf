"""A new SQLite database of MLflow's is whole or not there; another one is asked once."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import mlflow
import pytest
from commands import run_command
from tracking_servers import free_port

from vcc.errors import TrackingError
from vcc.tracking import database
from vcc.tracking.database import open_database

ROOT = Path(__file__).resolve().parents[3]
# Dies in the middle of MLflow's making of the tables.
_DIE = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
seen = 0
@event.listens_for(Engine, "after_cursor_execute")
def die(connection, cursor, statement, *rest):
    global seen
    seen += statement.lstrip().upper().startswith("CREATE TABLE")
    if seen == 20:
        os.kill(os.getpid(), signal.SIGKILL)
from vcc.tracking.database import open_database
open_database(sys.argv[1])
"""


@pytest.mark.slow
def test_one_killed_while_it_is_made_is_not_there(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    done = run_command(
        [sys.executable, "-c", _DIE, uri],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "mlflow.db").exists()
    open_database(uri)
    client = mlflow.MlflowClient(uri)
    assert [each.name for each in client.search_experiments()] == ["Default"]
    run = client.create_run("0")
    # One that is there is opened as it is.
    open_database(uri)
    assert client.get_run(run.info.run_id).info.status == "RUNNING"


def test_what_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("no database at all, but long enough to be looked at" * 20)
    with pytest.raises(TrackingError, match="cannot be opened") as caught:
        open_database(f"sqlite:///{path}")
    assert "\n" not in str(caught.value)
    for uri in ("sqlite:///", f"sqlite:///{tmp_path}"):
        with pytest.raises(TrackingError, match="names no file"):
            open_database(uri)
    with pytest.raises(TrackingError, match="cannot be opened"):
        open_database(f"sqlite:///{tmp_path / 'none' / 'mlflow.db'}")


def test_other_stores_are_left_to_mlflow(tmp_path: Path) -> None:
    open_database("http://127.0.0.1:1")
    open_database("sqlite:///:memory:")
    assert not list(tmp_path.iterdir())


def test_a_database_that_is_not_there_is_one_line_at_once() -> None:
    uri = f"postgresql+psycopg://me:secret@127.0.0.1:{free_port()}/runs"
    # MLflow would ask ten times in two minutes.
    with pytest.raises(
        TrackingError, match="does not answer .*check MLFLOW_TRACKING_URI"
    ) as caught:
        open_database(uri)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_database_that_takes_a_connection_and_says_nothing_has_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The least that libpq takes.
    monkeypatch.setattr(database, "_LIMIT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(TrackingError, match="does not answer"):
            open_database(f"postgresql+psycopg://me@127.0.0.1:{port}/runs")
