"""How long training waits for its clips, and how long its steps take."""

from __future__ import annotations

import time
from collections import defaultdict

import lightning
from lightning.pytorch.profilers import Profiler

# What Lightning calls fetching the next batch of clips, and everything done with it.
_FETCH = "[_TrainingEpochLoop].train_dataloader_next"
_STEP = "run_training_batch"


class StepTimes(Profiler):
    """Adds up an epoch's seconds of waiting for clips and of training steps.

    Loader workers fill the wait only where they are slower than the steps; without workers the wait
    is all the work of making clips.
    """

    def __init__(self) -> None:
        super().__init__()
        self._started: dict[str, float] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def start(self, action_name: str) -> None:
        """Start the clock of an action."""
        if action_name in (_FETCH, _STEP):
            self._started[action_name] = time.perf_counter()

    def stop(self, action_name: str) -> None:
        """Stop the clock of an action and add its seconds."""
        if action_name in self._started:
            self._seconds[action_name] += time.perf_counter() - self._started.pop(action_name)

    def reset(self) -> None:
        """Forget what was added up."""
        self._seconds.clear()

    def figures(self) -> dict[str, float]:
        """Return `data_seconds`, `step_seconds` and the first one's share of both (0..1)."""
        data, step = self._seconds[_FETCH], self._seconds[_STEP]
        share = data / (data + step) if data + step > 0 else 0.0
        return {"data_seconds": data, "step_seconds": step, "data_share": share}


def step_times(trainer: lightning.Trainer) -> StepTimes | None:
    """Return the times that a Trainer keeps, if it keeps any."""
    profiler = getattr(trainer, "profiler", None)
    return profiler if isinstance(profiler, StepTimes) else None
