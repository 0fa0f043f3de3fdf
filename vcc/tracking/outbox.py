"""Figures on their way to the tracking server: kept and sent again when it does not answer.

A training must not stop, nor wait, because a server was restarted. Figures are sent from a thread
of their own, in order; what could not be sent by the end of the run is written to a file, which the
run sends first when it is continued.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mlflow.exceptions import MlflowException

from vcc.errors import one_line
from vcc.files import write_whole

_logger = logging.getLogger(__name__)

# The server understood these and will not change its mind: sending them again is of no use.
_FINAL = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED")


@dataclass(frozen=True)
class StepFigures:
    """Some figures of one step, with the time (ms since 1970) at which they were measured."""

    values: Mapping[str, float]
    step: int
    timestamp: int


class MetricOutbox:
    """Sends figures from a thread, in the order they came.

    Args:
        send: sends some figures; raises MlflowException when it could not.
        backlog: file of figures that were not sent: read now, written or removed by `close`.
        retry_seconds: pause after a failure.
    """

    def __init__(
        self, send: Callable[[StepFigures], None], *, backlog: Path, retry_seconds: float = 5.0
    ) -> None:
        self._send = send
        self._backlog = backlog
        self._pause = retry_seconds
        self._waiting: deque[StepFigures] = deque(_read(backlog))
        self._refused: list[StepFigures] = []
        self._changed = threading.Condition()
        self._closing = False
        self._failing = False
        self._thread = threading.Thread(target=self._work, name="metrics", daemon=True)
        self._thread.start()

    def put(self, values: Mapping[str, float], *, step: int) -> None:
        """Take figures; returns at once."""
        figures = StepFigures(dict(values), step, int(time.time() * 1000))
        with self._changed:
            self._waiting.append(figures)
            self._changed.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until all is sent, at most so many seconds; say whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout=seconds)

    def close(self, seconds: float) -> list[StepFigures]:
        """Send what is left for so many seconds, keep the rest in the file, and return it."""
        self.settle(seconds)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            unsent = [*self._refused, *self._waiting]
        if unsent:
            write_whole(self._backlog, json.dumps([asdict(each) for each in unsent], indent=1))
        else:
            self._backlog.unlink(missing_ok=True)
        return unsent

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                first = self._waiting[0]
            sent = self._try(first)
            with self._changed:
                if sent:
                    self._waiting.popleft()
                    self._changed.notify_all()
                else:
                    self._changed.wait_for(lambda: self._closing, timeout=self._pause)

    def _try(self, figures: StepFigures) -> bool:
        """Send, and say whether these figures are done with."""
        try:
            self._send(figures)
        except MlflowException as error:
            if error.error_code in _FINAL:
                _logger.warning("the figures of step %d were refused: %s", figures.step, error)
                self._refused.append(figures)
                return True
            if not self._failing:
                _logger.warning(
                    "the tracking server does not answer (%s): the run goes on, its figures are "
                    "kept and sent again",
                    short(error),
                )
            self._failing = True
            return False
        if self._failing:
            _logger.info("the tracking server answers again")
        self._failing = False
        return True


def short(error: MlflowException) -> str:
    """Return an error's message in one line that a person can read."""
    return one_line(error.message, at_most=160)


def _read(backlog: Path) -> list[StepFigures]:
    try:
        rows = json.loads(backlog.read_text())
        return [
            StepFigures(
                {str(name): float(value) for name, value in row["values"].items()},
                int(row["step"]),
                int(row["timestamp"]),
            )
            for row in rows
        ]
    except FileNotFoundError:
        return []
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        _logger.warning("%s: cannot be read, its figures are lost: %r", backlog, error)
        return []
