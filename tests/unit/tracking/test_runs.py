"""A run is one for each entry point, children inside it, with options, data, tags and its end.

What happens where the server goes away is in test_tracking_outbox.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml
from mlflow.exceptions import MlflowException

from vcc.config.tracking import TrackingOptions
from vcc.errors import DataError, StoppedError, TrackingError, TrainingError
from vcc.tracking.runs import connect, open_run, tag_error


@pytest.fixture
def opened(store: mlflow.MlflowClient, tmp_path: Path) -> Callable[..., Any]:
    """Open runs whose results lie in the test's folder."""

    def opened(name: str, **words: Any) -> Any:
        options = words.pop("options", TrackingOptions(results=tmp_path))
        return open_run(name, step=words.pop("step", "export"), options=options, **words)

    return opened


def only_run(client: mlflow.MlflowClient) -> Any:
    (found,) = client.search_runs(["0"])
    return found


def test_options_data_figures_and_files_are_found_in_the_run(
    store: mlflow.MlflowClient, opened: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.csv").write_text("1")
    with opened("a name") as run:
        run.log_params({"source": None})
        run.log_dataset(name="toy", root=tmp_path, digest="d" * 64, context="test")
        run.log_metrics({"video_top1": 0.5})
        run.log_metrics({"loss": 2.0}, step=3)
        run.log_text("text", "a.txt")
        run.log_dict({"a": 1}, "a.json")
        run.log_file(tmp_path / "folder", "many")
        run.log_file(tmp_path / "folder" / "a.csv")
        run.describe("what it was")
    found = only_run(store)
    assert found.info.run_name == "a name"
    assert found.info.status == "FINISHED"
    assert found.data.params == {"results": str(tmp_path), "source": ""}
    assert found.data.metrics == {"video_top1": 0.5, "loss": 2.0}
    tags = found.data.tags
    assert (tags["step"], tags["dataset"], tags["data_digest"]) == ("export", "toy", "d" * 64)
    assert tags["mlflow.note.content"] == "what it was"
    (input_,) = found.inputs.dataset_inputs
    # MLflow takes no longer one.
    assert input_.dataset.digest == "d" * 36
    names = {each.path for each in store.list_artifacts(found.info.run_id)}
    assert names == {"config.yaml", "environment.txt", "a.txt", "a.json", "many", "a.csv"}
    # MLflow's page opens with the figures of trainings, and offers the view.
    assert store.get_experiment("0").tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_run_inside_another_is_its_child(
    store: mlflow.MlflowClient, opened: Callable[..., Any]
) -> None:
    with opened("outer", step="pipeline") as outer, opened("inner") as inner:
        pass
    child = store.get_run(inner.run_id)
    assert child.data.tags["mlflow.parentRunId"] == outer.run_id
    assert [each.path for each in store.list_artifacts(inner.run_id)] == ["config.yaml"]


def test_what_mlflow_run_has_logged_is_not_said_again(
    store: mlflow.MlflowClient,
    opened: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = store.create_run("0")
    theirs = {"results": str(tmp_path), "run_name": "", "store": "auto"}
    for name, text in theirs.items():
        store.log_param(made.info.run_id, name, text)
    monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
    with opened("a name") as run:
        run.log_resolved({"store": "raw", "results": str(tmp_path)})
        run.log_resolved({"store": "packed"})
    assert only_run(store).data.params == {**theirs, "resolved.store": "raw"}
    config = yaml.safe_load(mlflow.artifacts.load_text(f"runs:/{run.run_id}/config.yaml"))
    assert (config["store"], config["results"]) == ("packed", str(tmp_path))


def test_the_name_that_a_user_gave_stays_and_a_made_up_one_goes(
    store: mlflow.MlflowClient, opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, shown in (("auspicious-shark-123", "ours"), ("my own", "my own")):
        made = store.create_run("0", run_name=given)
        monkeypatch.setenv("MLFLOW_RUN_ID", made.info.run_id)
        with opened("ours") as run:
            assert run.run_id == made.info.run_id
        assert store.get_run(run.run_id).info.run_name == shown


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (TrainingError("the loss is nan"), "FAILED", "TrainingError: the loss is nan"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt: "),
        (StoppedError("SIGTERM"), "KILLED", "StoppedError: SIGTERM"),
    ],
)
def test_a_failure_is_told_from_a_stop(
    store: mlflow.MlflowClient,
    opened: Callable[..., Any],
    error: BaseException,
    status: str,
    said: str,
) -> None:
    with pytest.raises(type(error)), opened("a name"):
        raise error
    found = only_run(store)
    assert found.info.status == status
    assert found.data.tags["error"].startswith(said)


def test_a_server_that_refuses_is_one_line(
    opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        msg = "no room"
        raise MlflowException(msg)

    monkeypatch.setattr(mlflow, "set_tags", refuse)
    with pytest.raises(TrackingError, match="sqlite.* does not answer or refuses: .*no room"):
        opened("a name").__enter__()
    mlflow.end_run()
    monkeypatch.setattr(mlflow, "start_run", refuse)
    with pytest.raises(TrackingError, match="cannot start a run on sqlite.*: no room: check MLF"):
        opened("a name").__enter__()
    tag_error("0" * 32, ValueError("something"))
    assert "could not be told its error" in caplog.text


def test_a_bad_run_name_is_refused_before_there_is_a_run(
    store: mlflow.MlflowClient, opened: Callable[..., Any], tmp_path: Path
) -> None:
    options = TrackingOptions(results=tmp_path, run_name=" ")
    with pytest.raises(DataError, match="run_name: ' ': 1 to"), opened("a name", options=options):
        pass
    assert not store.search_runs(["0"])


def test_without_an_address_the_current_folder_has_the_store(
    store: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert connect() == f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert mlflow.get_tracking_uri() == connect()
