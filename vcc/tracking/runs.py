"""MLflow runs: one per entry point, children per step, the same names everywhere.

`mlflow run` has made a run and logged MLproject's parameters before our code starts; that run is
resumed. Which options become parameters is said in `vcc.tracking.provenance`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric

from vcc.config.options import Options
from vcc.data.annotations.names import check_run_name
from vcc.errors import StoppedError, TrackingError
from vcc.tracking.database import open_database
from vcc.tracking.outbox import MetricOutbox, StepFigures, short
from vcc.tracking.provenance import (
    chosen_params,
    environment_lines,
    provenance_tags,
    resolved_params,
)
from vcc.tracking.views import save_view

_logger = logging.getLogger(__name__)

# The names MLflow makes up, such as "auspicious-shark-123": ours say more.
_MADE_UP_NAME = re.compile(r"[a-z]+-[a-z]+-\d+")
_DIGEST_LENGTH = 36
# MLflow takes tags of up to 8,000 characters; older servers, of 5,000.
_LONGEST_TAG = 4000
_KIND_TAG = "mlflow.experimentKind"
# These take long enough for the machine's load to say something.
_MEASURED_STEPS = ("train", "compress")
# How long a run waits at its end for a server that does not answer.
_PATIENCE = 30.0


class Run:
    """The active MLflow run, with the few things that steps do to it.

    Args:
        active: the run.
        unsent: folder for the figures that could not be sent, in a file named by the run; what
            lies there from an earlier attempt is sent first.
    """

    def __init__(self, active: mlflow.ActiveRun, *, unsent: Path) -> None:
        self.run_id: str = active.info.run_id
        self.experiment_id: str = active.info.experiment_id
        self._dataset: Any = None
        self._config: tuple[str, dict[str, Any]] = ("config.yaml", {})
        self._client = mlflow.MlflowClient()
        self._backlog = unsent / f"{self.run_id}.json"
        self._outbox: MetricOutbox | None = None
        if self._backlog.is_file():
            self._open_outbox()

    def log_metrics(
        self, metrics: Mapping[str, float], *, step: int | None = None, model_id: str | None = None
    ) -> None:
        """Log figures; with `model_id` they also appear on the logged model's page, with the data.

        Those of a step are sent from another thread: a training does not wait for the server. The
        names are those of `vcc.config.metrics`.
        """
        if step is not None and model_id is None:
            self._open_outbox().put(metrics, step=step)
            return
        dataset = self._dataset if model_id else None
        mlflow.log_metrics(
            dict(metrics), step=step, run_id=self.run_id, model_id=model_id, dataset=dataset
        )

    def settle(self, seconds: float = _PATIENCE) -> None:
        """Wait until all figures are sent.

        Raises:
            TrackingError: the server does not answer for so many seconds.
        """
        if self._outbox is not None and not self._outbox.settle(seconds):
            raise TrackingError(self._unsent(self._outbox.close(0)))

    def finish(self) -> None:
        """Send what is left at the end of a step that went well.

        Raises:
            TrackingError: some figures could not be sent; the message says which.
        """
        unsent = self._outbox.close(_PATIENCE) if self._outbox is not None else []
        if unsent:
            raise TrackingError(self._unsent(unsent))

    def abandon(self, error: BaseException) -> None:
        """Record why the step failed, as far as the server still answers."""
        unsent = self._outbox.close(2.0) if self._outbox is not None else []
        if unsent:
            # A TrackingError says so itself, and the server would not take its message.
            if not isinstance(error, TrackingError):
                _logger.warning("%s", self._unsent(unsent))
            return
        tag_error(self.run_id, error)

    def mark_killed(self) -> None:
        """Record that somebody stopped the step, as far as the server still answers."""
        try:
            self._client.set_terminated(self.run_id, "KILLED")
        except mlflow.MlflowException as refusal:
            _logger.warning("the run could not be marked as killed: %s", short(refusal))

    def _open_outbox(self) -> MetricOutbox:
        if self._outbox is None:
            self._outbox = MetricOutbox(self._send, backlog=self._backlog)
        return self._outbox

    def _send(self, figures: StepFigures) -> None:
        metrics = [
            Metric(name, float(value), figures.timestamp, figures.step)
            for name, value in figures.values.items()
        ]
        self._client.log_batch(self.run_id, metrics=metrics)

    def _unsent(self, unsent: Sequence[StepFigures]) -> str:
        steps = sorted({figures.step for figures in unsent})
        span = f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} to {steps[-1]}"
        return (
            f"{mlflow.get_tracking_uri()} did not take the figures of {span}, nor what follows "
            f"them; they are kept in {self._backlog} and sent when run {self.run_id} is continued"
        )

    def log_options(self, options: Options, *, again: bool = False) -> None:
        """Log the options that were chosen as parameters, and all of them as config.yaml.

        Args:
            options: of the step.
            again: the run goes on: no parameters, and the file is config_resumed.yaml.
        """
        self._config = ("config_resumed.yaml" if again else "config.yaml", options.as_dict())
        if not again:
            mlflow.log_params(chosen_params(options, self._logged_params()))
        self._log_config()

    def log_resolved(self, values: Mapping[str, Any]) -> None:
        """Log what options came to that left it open, as `resolved.NAME` and in config.yaml.

        Args:
            values: option -> value of a plain JSON type.
        """
        name, options = self._config
        mlflow.log_params(resolved_params(values, options, self._logged_params()))
        self._config = (name, {**options, **values})
        self._log_config()

    def _logged_params(self) -> Mapping[str, str]:
        params: dict[str, str] = self._client.get_run(self.run_id).data.params
        return params

    def _log_config(self) -> None:
        name, values = self._config
        mlflow.log_dict(values, name)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log what a run was given beside its options; a logged parameter can never change."""
        mlflow.log_params({name: _shown(value) for name, value in params.items()})

    def log_dataset(self, *, name: str, root: Path, digest: str, context: str) -> None:
        """Record the data set as the run's input and its full digest as a tag."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = resolve_dataset_source(str(root))
        made: Any = MetaDataset  # Its stub calls it abstract.
        dataset = made(source, name=name, digest=digest[:_DIGEST_LENGTH])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlflow.log_input(dataset, context=context)
        self._dataset = dataset
        self.set_tags({"dataset": name, "data_digest": digest})

    def log_text(self, text: str, name: str) -> None:
        """Store a text artifact."""
        mlflow.log_text(text, name)

    def log_dict(self, content: Mapping[str, Any], name: str) -> None:
        """Store a JSON or YAML artifact, by the ending of its name."""
        mlflow.log_dict(dict(content), name)

    def log_file(self, path: Path, folder: str | None = None) -> None:
        """Store a file, or everything in a folder, as artifacts."""
        if path.is_dir():
            mlflow.log_artifacts(str(path), folder)
        else:
            mlflow.log_artifact(str(path), folder)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        mlflow.set_tags(dict(tags))

    def describe(self, text: str) -> None:
        """Set the run's description, shown at the top of its page (Markdown)."""
        mlflow.set_tag("mlflow.note.content", text)


def tag_error(run_id: str, error: BaseException) -> None:
    """Record why a run failed as its tag `error`, as far as the server answers."""
    _quiet_mlflow()
    try:
        said = f"{type(error).__name__}: {error}"[:_LONGEST_TAG]
        mlflow.MlflowClient().set_tag(run_id, "error", said)
    except mlflow.MlflowException as refusal:
        _logger.warning("the run could not be told its error: %s", short(refusal))


def connect() -> str:
    """Choose the tracking server and return its URI.

    `MLFLOW_TRACKING_URI` decides; without it, a SQLite file in the current folder, which is also
    what MLflow itself would take.

    Raises:
        TrackingError: a SQLite file cannot be made or used.
    """
    _quiet_mlflow()
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    uri = str(mlflow.get_tracking_uri())
    open_database(uri)
    return uri


@contextlib.contextmanager
def open_run(
    name: str, *, step: str, options: Options, continues: str | None = None
) -> Iterator[Run]:
    """Start a run, or resume the one `mlflow run` made; a run inside another is its child.

    An exception marks the run as failed, with the message as the tag `error`; who stops the
    program marks it as killed.

    Args:
        name: shown unless the user named the run.
        step: prepare, train, compress, evaluate, export, register or pipeline.
        options: those that were chosen become parameters.
        continues: id of an interrupted run to go on with; where that cannot be, a line says why
            and the new run is tagged `resumed_from`.

    Raises:
        TrackingError: the tracking server cannot be reached.
    """
    named = getattr(options, "run_name", None)
    if named is not None:
        check_run_name(named)
    failure: BaseException | None = None
    try:
        with _opened(name, step, options, continues) as run:
            try:
                yield run
                run.finish()
            except BaseException as error:
                failure = error
                run.abandon(error)
                raise
    except (KeyboardInterrupt, StoppedError):
        if failure is not None:
            run.mark_killed()
        raise
    except mlflow.MlflowException as error:
        if failure is not None and not isinstance(failure, mlflow.MlflowException):
            # Only the end of the run could not be recorded: the failure itself matters.
            raise failure from None
        msg = f"{mlflow.get_tracking_uri()} does not answer or refuses: {short(error)}"
        raise TrackingError(msg) from error


@contextlib.contextmanager
def _opened(name: str, step: str, options: Options, continues: str | None) -> Iterator[Run]:
    nested = mlflow.active_run() is not None
    again = _can_continue(continues) if continues else False
    run_id = continues if again else None
    measured = step in _MEASURED_STEPS
    with _start(name, nested=nested, run_id=run_id, measured=measured) as active:
        run = Run(active, unsent=getattr(options, "results", Path("results")) / "unsent")
        if continues and not again:
            run.set_tags({"resumed_from": continues})
        if not nested and _MADE_UP_NAME.fullmatch(active.info.run_name or ""):
            mlflow.set_tag("mlflow.runName", name)
        if not nested:
            _show_as_training(run.experiment_id)
            save_view(run.experiment_id)
        run.set_tags({"step": step, **provenance_tags()})
        if again:
            # A logged parameter can never change, and resume_path has.
            run.log_options(options, again=True)
            if "error" in active.data.tags:
                mlflow.delete_tag("error")
        else:
            run.log_options(options)
        if not nested:
            run.log_text(environment_lines(), "environment.txt")
        yield run


def _can_continue(run_id: str) -> bool:
    """Return whether an interrupted run can go on, and log why not."""
    made = os.environ.get("MLFLOW_RUN_ID")
    if made == run_id:
        return True
    if made:
        reason = "`mlflow run` has made a new one already (call python -m entrypoints.train)"
    else:
        try:
            run = mlflow.MlflowClient().get_run(run_id)
        except mlflow.MlflowException as error:
            reason = f"{mlflow.get_tracking_uri()} does not have it ({error.message})"
        else:
            if run.info.lifecycle_stage == "active":
                return True
            reason = "it was deleted"
    _logger.warning("run %s is not continued, a new run is: %s", run_id, reason)
    return False


def _start(name: str, *, nested: bool, run_id: str | None, measured: bool) -> mlflow.ActiveRun:
    # A given name would rename the run that `mlflow run --run-name` made.
    resumed = not nested and bool(os.environ.get("MLFLOW_RUN_ID"))
    try:
        if run_id is not None:
            return mlflow.start_run(run_id=run_id, nested=nested, log_system_metrics=measured)
        return mlflow.start_run(
            run_name=None if resumed else name, nested=nested, log_system_metrics=measured
        )
    except mlflow.MlflowException as error:
        msg = (
            f"cannot start a run on {mlflow.get_tracking_uri()}: {error.message}: "
            "check MLFLOW_TRACKING_URI and that the server is up"
        )
        raise TrackingError(msg) from error


def _show_as_training(experiment_id: str) -> None:
    # Without it, MLflow 3's pages open in their view for language models.
    client = mlflow.MlflowClient()
    if _KIND_TAG not in client.get_experiment(experiment_id).tags:
        client.set_experiment_tag(experiment_id, _KIND_TAG, "custom_model_development")


def _shown(value: Any) -> Any:
    return "" if value is None else value


def _quiet_mlflow() -> None:
    # Progress bars of artifact uploads and hints at other products, between our own lines.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    parts = ("store", "models", "pyfunc", "tracking", "system_metrics")
    # urllib3 would write a line for each attempt to reach a server that is down.
    for name in ("alembic", "urllib3", *(f"mlflow.{part}" for part in parts)):
        logging.getLogger(name).setLevel(logging.ERROR)
