"""The Optuna study of a search: its database, its sampler, and what is kept of each trial."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna.trial import FrozenTrial, TrialState

from vcc.config.search import SearchOptions
from vcc.errors import ConfigError, one_line
from vcc.pareto import pareto_front
from vcc.pipeline.search.prices import Measured
from vcc.pipeline.search.space import SearchCandidate
from vcc.pipeline.search.target import Price, Target

JUDGED, COSTLY, HOPELESS, FAILED = "judged", "too costly", "hopeless", "failed"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a trial.

    Attributes:
        number: of the trial.
        candidate: that it was about.
        end: `JUDGED`, or why it was given up.
        price: predicted.
        measured: where it was.
        settled_top1: dev video top-1 before training, None where it was not trained.
        top1: after it and after quantization, None where it was given up.
        loss: then, on dev, nats; it tells apart what has the same accuracy.
    """

    number: int
    candidate: SearchCandidate
    end: str
    price: Price
    measured: Measured | None = None
    settled_top1: float | None = None
    top1: float | None = None
    loss: float | None = None

    def better_than(self, other: Outcome) -> bool:
        """Return whether it answers better than another one."""
        return self.rank() < other.rank()

    def rank(self) -> tuple[float, float]:
        """Return what orders outcomes: the most accurate first, of equals the lowest loss."""
        loss = math.inf if self.loss is None else self.loss
        return -(self.top1 if self.top1 is not None else -1.0), loss

    def best_price(self) -> Price:
        """Return the price with what was measured in the place of what was predicted."""
        if self.measured is None:
            return self.price
        return Price(
            latency_ms=self.measured.latency_ms,
            macs=self.price.macs,
            size_mb=self.measured.size_mb,
        )


class Study:
    """The trials of one search, wherever they were made.

    Args:
        options: sampler, seed and storage.
        name: of the study in its storage.
        folder: of the search, which the default storage lies in.
        target: whose figure is minimised beside the accuracy that is maximised.

    Raises:
        ConfigError: the storage cannot be opened.
    """

    def __init__(self, options: SearchOptions, *, name: str, folder: Path, target: Target) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._target = target
        self._worker = f"{socket.gethostname()}:{os.getpid()}"
        url = options.storage or f"sqlite:///{(folder / 'optuna.db').resolve()}"
        try:
            self._study = optuna.create_study(
                storage=url,
                study_name=name,
                directions=["minimize", "maximize"],
                sampler=_sampler(options),
                load_if_exists=True,
            )
        except Exception as error:
            # SQLAlchemy, a driver that is missing, a database that refuses: each has its own type.
            msg = f"storage: {url}: cannot be opened: {one_line(error, at_most=200)}"
            raise ConfigError(msg) from error

    def give_up_stale(self) -> int:
        """Close the trials of processes of this machine that are no more; return how many."""
        host = socket.gethostname()
        count = 0
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            where, _, process = str(trial.user_attrs.get("worker", "")).rpartition(":")
            if where == host and not psutil.pid_exists(int(process)):
                self._study.tell(trial.number, state=TrialState.FAIL)
                count += 1
        return count

    def enqueue(self, candidates: Iterable[SearchCandidate]) -> None:
        """Have these tried next, except what was tried or is waiting."""
        done = [
            trial.params or trial.system_attrs.get("fixed_params", {})
            for trial in self._study.get_trials(deepcopy=False)
            if trial.state != TrialState.FAIL
        ]
        for candidate in candidates:
            if candidate.params() not in done:
                self._study.enqueue_trial(candidate.params())

    def ask(self) -> optuna.Trial:
        """Begin a trial."""
        trial = self._study.ask()
        trial.set_user_attr("worker", self._worker)
        return trial

    def tell(self, trial: optuna.Trial, outcome: Outcome) -> None:
        """Record what became of a trial, for the sampler and for those who come later."""
        trial.set_user_attr("outcome", _plain(outcome))
        trial.set_constraint("target", self._target.violation(outcome.best_price()))
        if outcome.top1 is None:
            self._study.tell(trial, state=TrialState.PRUNED)
            return
        self._study.tell(trial, [self._target.of(outcome.best_price()), outcome.top1])

    def drop(self, trial: optuna.Trial) -> None:
        """Record that a trial was interrupted."""
        self._study.tell(trial, state=TrialState.FAIL)

    def outcomes(self) -> list[Outcome]:
        """Return what became of all trials that ended, in order."""
        trials = self._study.get_trials(deepcopy=False)
        return [_outcome(trial) for trial in trials if "outcome" in trial.user_attrs]


def front(outcomes: Sequence[Outcome], target: Target) -> list[Outcome]:
    """Return the judged trials that none beats in both price and accuracy, cheapest first."""
    judged = [outcome for outcome in outcomes if outcome.top1 is not None]
    return pareto_front(judged, key=lambda each: (target.of(each.best_price()), each.top1 or 0.0))


def _sampler(options: SearchOptions) -> optuna.samplers.BaseSampler:
    at_random = max(4, options.trials // 4)
    if options.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(population_size=at_random, seed=options.manual_seed)
    return optuna.samplers.TPESampler(n_startup_trials=at_random, seed=options.manual_seed)


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "end": outcome.end,
        "price": asdict(outcome.price),
        "measured": None if outcome.measured is None else asdict(outcome.measured),
        "settled_top1": outcome.settled_top1,
        "top1": outcome.top1,
        "loss": outcome.loss,
    }


def _outcome(trial: FrozenTrial) -> Outcome:
    told: Mapping[str, Any] = trial.user_attrs["outcome"]
    measured = told["measured"]
    return Outcome(
        number=trial.number,
        candidate=SearchCandidate.from_params(trial.params),
        end=told["end"],
        price=Price(**told["price"]),
        measured=None if measured is None else _measured(measured),
        settled_top1=told["settled_top1"],
        top1=told["top1"],
        loss=told["loss"],
    )


def _measured(told: Mapping[str, Any]) -> Measured:
    # JSON has no tuples, and a search of before did not keep this.
    spread = told.get("spread_ms")
    return Measured(**{**told, "spread_ms": tuple(spread) if spread else None})
