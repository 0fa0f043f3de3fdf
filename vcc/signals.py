"""Signals that ask a program to end stop it as Ctrl-C does, so that it cleans up behind it."""

from __future__ import annotations

import signal
import time
from types import FrameType

# Asked to end by `kill`, a scheduler or a container; the terminal is gone.
_ENDING = (signal.SIGTERM, signal.SIGHUP)
_received: list[int] = []
_raised_at: list[float] = []
# Longer than cleaning up takes, what a lost server costs included; schedulers kill after as long.
PATIENCE_S = 30.0


class StoppedBySignal(KeyboardInterrupt):
    """The program was asked to end; what handles an interrupt handles this."""


def stop_on_signals() -> None:
    """Let SIGTERM and SIGHUP raise `StoppedBySignal` in the main thread.

    A signal that is ignored (by `nohup`) or handled already stays so. Further ones are ignored for
    a while: the program is cleaning up. After that they count again: Python loses what is raised
    while it frees an object, and a program that could not be asked twice would go on.
    """
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def exit_code() -> int:
    """Return the exit code of a program that was stopped: 128 and the signal, 130 for Ctrl-C."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def describe() -> str:
    """Return what stopped the program."""
    if not _received:
        return "stopped by the keyboard"
    return f"stopped by {signal.Signals(_received[0]).name}"


def _stop(number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if _raised_at and now - _raised_at[-1] < PATIENCE_S:
        return
    _received.append(number)
    _raised_at.append(now)
    raise StoppedBySignal
