"""The rows of `benchmarks.gpu`: what one is, how it is tried, how several are timed in turns."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vcc.errors import VccError, one_line
from vcc.export.benchmark import SpeedUp

# Runs of a row in each of its turns.
IN_A_ROW = 3
Say = Callable[[dict[str, Any]], None]


class DeviceLostError(Exception):
    """The process can use its GPU no more: what comes next needs another process."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is computed.

    Attributes:
        clip: [3,T,H,W].
        batch: clips of a training step.
        rounds: timed turns of each row.
        depth: of the ResNet.
        width: factor on its channels.
    """

    clip: tuple[int, int, int, int]
    batch: int
    rounds: int
    depth: int
    width: float


FULL = Size(clip=(3, 16, 112, 112), batch=16, rounds=10, depth=18, width=1.0)
# For machines without a GPU, where only the script itself is tried.
SMALL = Size(clip=(3, 8, 32, 32), batch=4, rounds=2, depth=10, width=0.25)


@dataclass(kw_only=True)
class Row:
    """A way to compute something.

    Attributes:
        section: what it belongs to; ratios are to the section's first row.
        name: what is computed, and how.
        ms: milliseconds, the median.
        ratio: how many times faster than the first row, as text.
        error: norm of the difference to the reference by the reference's norm.
        limit: the largest error that rounding explains; None where it is not judged.
        memory_mb: the device's memory that it took at its peak.
        note: what else is to be known.
        reason: why it was not run.
    """

    section: str
    name: str
    ms: float | None = None
    ratio: str = ""
    error: float | None = None
    limit: float | None = None
    memory_mb: float | None = None
    note: str = ""
    reason: str = ""

    @property
    def state(self) -> str:
        """`ok`, `WRONG` or `not run`."""
        if self.reason:
            return "not run"
        judged = self.error is not None and self.limit is not None
        return "WRONG" if judged and not (self.error or 0.0) <= (self.limit or 0.0) else "ok"


class Bench:
    """The rows of a section, as they come about.

    Args:
        section: its name.
        size: how much is computed.
        device: where.
        skip: rows that are not tried, and why: they ended a process before.
        say: told of each row before it is tried, as {"trying": name}, and after, as {"row": ...}.
    """

    def __init__(
        self,
        section: str,
        size: Size,
        device: torch.device,
        *,
        skip: Mapping[str, str] | None = None,
        say: Say = lambda _: None,
    ) -> None:
        self.section, self.size, self.device = section, size, device
        self.rows: dict[str, Row] = {}
        self.stack = contextlib.ExitStack()
        self._skip = skip or {}
        self._say = say

    def attempt(self, name: str, work: Callable[[Row], None]) -> bool:
        """Do the work of a row; whatever it raises is the reason why the row was not run.

        Raises:
            DeviceLostError: the GPU answers no more.
        """
        row = self.rows[name] = Row(
            section=self.section, name=name, reason=self._skip.get(name, "")
        )
        if not row.reason:
            self._say({"trying": name})
            try:
                work(row)
            except Exception as error:
                row.reason = one_line(error, at_most=200)
                self._check_device(row.reason)
        self.report(row)
        return not row.reason

    def report(self, row: Row) -> None:
        """Tell what is known of a row."""
        self._say({"row": dataclasses.asdict(row)})

    def time(self, calls: Mapping[str, Callable[[], object]]) -> None:
        """Time what the rows of these names do, in turns and in a random order.

        Args:
            calls: name of a row -> what is timed; those that were not run are left out.
        """
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        order, shuffle = list(calls), random.Random(0)
        for number in range(self.size.rounds + 1):
            shuffle.shuffle(order)
            for name in [each for each in order if each in seconds]:
                self._say({"timing": name})
                try:
                    taken = self._turn(calls[name])
                except Exception as error:
                    self._give_up(name, one_line(error, at_most=200))
                    del seconds[name]
                    continue
                if number:
                    seconds[name].append(taken)
        first = next(iter(self.rows), "")
        for name, taken_s in seconds.items():
            row = self.rows[name]
            row.ms = 1000 * statistics.median(taken_s)
            row.ratio = "" if name == first else _ratio(seconds.get(first, []), taken_s)
            self.report(row)

    def _give_up(self, name: str, reason: str) -> None:
        """Leave a row untimed that worked once and does not any more."""
        row = self.rows[name]
        row.reason = reason
        self.report(row)
        self._check_device(reason)

    @contextlib.contextmanager
    def memory(self, row: Row) -> Iterator[None]:
        """Note the most memory that PyTorch takes of a GPU meanwhile."""
        if self.device.type != "cuda":
            yield
            return
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        yield
        torch.cuda.synchronize(self.device)
        row.memory_mb = (torch.cuda.max_memory_allocated(self.device) - before) / 1e6

    @contextlib.contextmanager
    def memory_of_others(self, row: Row) -> Iterator[None]:
        """Note how much less memory of a GPU is free afterwards: PyTorch knows its own only."""
        if self.device.type != "cuda":
            yield
            return
        torch.cuda.empty_cache()
        free, _ = torch.cuda.mem_get_info(self.device)
        yield
        left, _ = torch.cuda.mem_get_info(self.device)
        row.memory_mb = (free - left) / 1e6

    def need_gpu(self, what: str) -> None:
        """Refuse what a CPU cannot do.

        Raises:
            VccError: there is no GPU.
        """
        if self.device.type != "cuda":
            msg = f"{what} needs a GPU, and PyTorch sees none"
            raise VccError(msg)

    def _turn(self, call: Callable[[], object]) -> float:
        self._synchronize()
        started = time.perf_counter()
        for _ in range(IN_A_ROW):
            call()
        self._synchronize()
        return (time.perf_counter() - started) / IN_A_ROW

    def _synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _check_device(self, reason: str) -> None:
        try:
            self._synchronize()
        except Exception as error:
            raise DeviceLostError(reason) from error


def _ratio(first: list[float], other: list[float]) -> str:
    """Return how many times faster the second is, "" where the first was not run."""
    if not first:
        return ""
    each = [one / two for one, two in zip(first, other, strict=True)]
    found = SpeedUp(
        ratio=statistics.median(first) / statistics.median(other),
        low=float(np.percentile(each, 10)),
        high=float(np.percentile(each, 90)),
        rounds=len(each),
    )
    return found.as_text()
