"""Figures reach a tracking server that comes back, and are kept for one that does not."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from databases import new_database
from limits import HANG_S
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from tracking_servers import free_port, running, wait_for

from vcc.config.tracking import TrackingOptions
from vcc.errors import TrackingError, TrainingError
from vcc.tracking.outbox import MetricOutbox, StepFigures, _read
from vcc.tracking.runs import open_run


class Server:
    """Takes figures, unless it is down."""

    def __init__(self) -> None:
        self.took: list[tuple[int, dict[str, float]]] = []
        self.up = True
        self.asked = threading.Event()

    def __call__(self, figures: StepFigures) -> None:
        self.asked.set()
        if not self.up:
            msg = "connection refused"
            raise MlflowException(msg)
        if "bad" in figures.values:
            msg = "no such name"
            raise MlflowException(msg, error_code=INVALID_PARAMETER_VALUE)
        self.took.append((figures.step, dict(figures.values)))


def outbox(server: Server, folder: Path) -> MetricOutbox:
    return MetricOutbox(server, backlog=folder / "run.json", retry_seconds=0.01)


def kill(server: subprocess.Popen[bytes]) -> None:
    # Its workers are processes of their own.
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def test_figures_wait_for_a_server_and_keep_their_order(tmp_path: Path) -> None:
    server = Server()
    server.up = False
    box = outbox(server, tmp_path)
    for step in range(3):
        box.put({"loss": float(step)}, step=step)
    assert server.asked.wait(HANG_S)
    assert not box.settle(0)
    server.up = True
    assert box.settle(HANG_S)
    assert server.took == [(step, {"loss": float(step)}) for step in range(3)]
    assert box.close(0) == []
    assert not list(tmp_path.iterdir())


def test_what_was_not_sent_is_kept_and_sent_first_the_next_time(tmp_path: Path) -> None:
    server = Server()
    server.up = False
    box = outbox(server, tmp_path)
    box.put({"loss": 0.5}, step=4)
    (unsent,) = box.close(0.05)
    assert (unsent.step, unsent.values) == (4, {"loss": 0.5})
    server.up = True
    again = outbox(server, tmp_path)
    again.put({"loss": 0.25}, step=5)
    assert again.close(HANG_S) == []
    assert server.took == [(4, {"loss": 0.5}), (5, {"loss": 0.25})]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", ["{", "3", '[{"values": [1]}]', '[{"values": {"a": "x"}, "step": 1, "timestamp": 1}]']
)
def test_a_backlog_of_something_else_is_named_and_left_out(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run.json").write_text(text)
    assert _read(tmp_path / "run.json") == []
    assert "its figures are lost" in caplog.text


def test_figures_that_are_refused_do_not_hold_up_the_others(tmp_path: Path) -> None:
    server = Server()
    box = outbox(server, tmp_path)
    box.put({"bad": 1.0}, step=0)
    box.put({"loss": 1.0}, step=1)
    (refused,) = box.close(HANG_S)
    assert refused.step == 0
    assert server.took == [(1, {"loss": 1.0})]


@pytest.fixture
def tracking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody waits long for a server, and the tracking address is put back."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr("vcc.tracking.runs._PATIENCE", 0.5)
    before = mlflow.get_tracking_uri()
    yield
    mlflow.set_tracking_uri(before)


@pytest.mark.slow
@pytest.mark.usefixtures("tracking")
def test_a_server_that_goes_away_does_not_stop_the_run(tmp_path: Path) -> None:
    """A real server is killed in the middle; its database takes later what was kept."""
    database = new_database(tmp_path)
    address = f"http://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    words = (
        *("server", "--backend-store-uri", database, "--host", "127.0.0.1", "--port", port),
        # Artifacts are written past the server, for the database to be enough later.
        *("--no-serve-artifacts", "--default-artifact-root", str(tmp_path / "artifacts")),
        *("--workers", "1"),
    )
    options = TrackingOptions(results=tmp_path / "results")
    seen: dict[str, Any] = {}

    def lose_the_server(server: subprocess.Popen[bytes]) -> None:
        with open_run("a run", step="train", options=options) as run:
            seen["run"] = run.run_id
            run.log_metrics({"train_loss": 3.0}, step=0)
            run.settle(HANG_S)
            kill(server)
            for step in (1, 2):
                run.log_metrics({"train_loss": 3.0 - step}, step=step)

    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = tmp_path / "server.log"
    with running("mlflow", *words, log=log, env=environment) as server:
        wait_for(f"{address}/health", server, log)
        mlflow.set_tracking_uri(address)
        with pytest.raises(TrackingError, match="did not take the figures of steps 1 to 2"):
            lose_the_server(server)
    mlflow.set_tracking_uri(database)
    with open_run("a run", step="train", options=options, continues=seen["run"]) as run:
        assert run.run_id == seen["run"]
    history = mlflow.MlflowClient().get_metric_history(run.run_id, "train_loss")
    assert [(each.step, each.value) for each in history] == [(0, 3.0), (1, 2.0), (2, 1.0)]
    assert mlflow.get_run(run.run_id).info.status == "FINISHED"


@pytest.mark.usefixtures("tracking")
def test_another_failure_is_not_hidden_by_the_server_s(tmp_path: Path) -> None:
    mlflow.set_tracking_uri(new_database(tmp_path))

    def fail() -> None:
        with open_run("a run", step="prepare", options=TrackingOptions(results=tmp_path)):
            mlflow.set_tracking_uri(f"http://127.0.0.1:{free_port()}")
            msg = "the loss is nan"
            raise TrainingError(msg)

    with pytest.raises(TrainingError, match="the loss is nan"):
        fail()


@pytest.mark.usefixtures("tracking")
def test_a_run_that_fails_says_so_and_one_that_cannot_be_continued_is_new(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow.set_tracking_uri(new_database(tmp_path))
    options = TrackingOptions(results=tmp_path)

    def fail() -> None:
        with open_run("a run", step="prepare", options=options):
            msg = "the loss is nan"
            raise TrainingError(msg)

    with pytest.raises(TrainingError):
        fail()
    (failed,) = mlflow.MlflowClient().search_runs(["0"])
    assert failed.info.status == "FAILED"
    assert failed.data.tags["error"] == "TrainingError: the loss is nan"
    with open_run("again", step="prepare", options=options, continues="0" * 32) as run:
        assert run.run_id != "0" * 32
    assert "is not continued, a new run is: sqlite" in caplog.text
    assert mlflow.get_run(run.run_id).data.tags["resumed_from"] == "0" * 32
    with open_run("again", step="prepare", options=options, continues=failed.info.run_id) as run:
        assert run.run_id == failed.info.run_id
    continued = mlflow.get_run(run.run_id)
    assert continued.info.status == "FINISHED"
    assert "error" not in continued.data.tags
    # `mlflow run` makes a run before our code starts: that one is used.
    made = mlflow.MlflowClient().create_run("0")
    monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
    with open_run("again", step="prepare", options=options, continues=failed.info.run_id) as run:
        assert run.run_id == made.info.run_id
    assert "`mlflow run` has made a new one" in caplog.text
