"""Tries candidates one after the other: priced, judged, and given up as soon as that is clear."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

import optuna

from vcc.config.entrypoints import SearchEntry
from vcc.config.search import SearchOptions
from vcc.errors import StoppedError, VccError
from vcc.pipeline.card import Network
from vcc.pipeline.full.child_run import child_run
from vcc.pipeline.search.judge import Judge
from vcc.pipeline.search.knobs.precision import Precision
from vcc.pipeline.search.prices import Measured, Prices
from vcc.pipeline.search.space import SearchCandidate
from vcc.pipeline.search.structure import CandidateBuilder
from vcc.pipeline.search.study import COSTLY, FAILED, HOPELESS, JUDGED, Outcome, Study
from vcc.pipeline.search.target import Price, Target
from vcc.progress import spoken
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)

# Proposals that cost too much are not trained; a search that draws nothing else ends all the same.
_PROPOSALS = 8
# Before training, a candidate must not be in the lowest quarter of at least so many.
_FEWEST, _QUARTER = 6, 4


class Trials:
    """Tries candidates of a search.

    Args:
        study: proposes them and keeps what became of them.
        builder: builds them.
        prices: what they cost.
        judge: what they answer.
        target: what they may cost.
        options: how many.
    """

    def __init__(  # noqa: PLR0913 - the parts of a search, each made elsewhere
        self,
        study: Study,
        builder: CandidateBuilder,
        prices: Prices,
        judge: Judge,
        *,
        target: Target,
        options: SearchEntry,
    ) -> None:
        self._study, self._builder, self._prices = study, builder, prices
        self._judge, self._target, self._options = judge, target, options

    def run(self, *, seconds: float) -> list[Outcome]:
        """Try candidates until enough are judged or the time is spent; return all outcomes.

        Args:
            seconds: begin no further one after so long.
        """
        started = time.monotonic()
        asked = self._options.trials
        before = _count(self._study.outcomes())
        while (done := _count(outcomes := self._study.outcomes())) < asked:
            spent = time.monotonic() - started
            if spent > seconds or len(outcomes) > _PROPOSALS * asked:
                why = "the time is spent" if spent > seconds else "the proposals cost too much"
                _logger.info("%d of %d candidates judged: %s", done, asked, why)
                break
            outcome = self._try(outcomes)
            spent, new = time.monotonic() - started, max(1, done + 1 - before)
            left = min(seconds - spent, spent / new * (asked - done - 1))
            self._tell(outcome, done=done + (outcome.end != COSTLY), left=left)
        return self._study.outcomes()

    def _try(self, earlier: Sequence[Outcome]) -> Outcome:
        trial = self._study.ask()
        try:
            candidate = self._builder.space.suggest(trial)
            with child_run(f"trial {trial.number}", self._options.pick(SearchOptions)) as run:
                run.log_params(candidate.params())
                outcome = self._outcome(trial, candidate, earlier, run)
                run.set_tags({"end": outcome.end, "method": "search trial"})
        except BaseException:
            self._study.drop(trial)
            raise
        self._study.tell(trial, outcome)
        return outcome

    def _outcome(
        self, trial: optuna.Trial, candidate: SearchCandidate, earlier: Sequence[Outcome], run: Run
    ) -> Outcome:
        network = self._builder.build(candidate)
        price = self._prices.of(network, self._precision(candidate))
        _log_price(price, run)
        found = Outcome(number=trial.number, candidate=candidate, end=COSTLY, price=price)
        if self._target.violation(price) > 0:
            return found
        try:
            return self._judged(found, network, earlier, run)
        except StoppedError:
            raise
        except VccError as error:
            # One candidate that cannot be trained or exported is no reason to end a search.
            _logger.warning("trial %d failed: %s", trial.number, error)
            run.set_tags({"error": str(error)})
            return replace(found, end=FAILED)

    def _judged(
        self, found: Outcome, network: Network, earlier: Sequence[Outcome], run: Run
    ) -> Outcome:
        settled = self._judge.settle(network)
        run.log_metrics({"settled_top1": settled})
        if is_hopeless(settled, earlier):
            return replace(found, end=HOPELESS, settled_top1=settled)
        self._judge.train(network, run)
        judged = network
        if found.candidate.int8:
            schedule = self._prices.quantizing(self._precision(found.candidate))
            judged = self._judge.quantized(network, schedule)
        score = self._judge.score(judged)
        run.log_metrics({"dev_video_top1": score.top1, "dev_loss": score.loss})
        done = replace(found, end=JUDGED, settled_top1=settled, top1=score.top1, loss=score.loss)
        if all(done.better_than(each) for each in earlier):
            return replace(done, measured=self._measure(network, found.candidate, run))
        return done

    def _measure(self, network: Network, candidate: SearchCandidate, run: Run) -> Measured:
        measured = self._prices.measure(network, self._precision(candidate))
        run.log_metrics(
            {
                "latency_p50_ms": measured.latency_ms,
                "size_bytes": 1e6 * measured.size_mb,
            }
        )
        return measured

    def _precision(self, candidate: SearchCandidate) -> Precision:
        return self._builder.space.precision(candidate)

    def _tell(self, outcome: Outcome, *, done: int, left: float) -> None:
        top1 = "" if outcome.top1 is None else f", dev video top-1 {outcome.top1:.1%}"
        _logger.info(
            "trial %d %s: %s%s; %d of %d candidates judged, about %s left",
            outcome.number,
            outcome.end,
            self._target.text(outcome.best_price()),
            top1,
            done,
            self._options.trials,
            spoken(max(0.0, left)),
        )


def is_hopeless(settled_top1: float, earlier: Sequence[Outcome]) -> bool:
    """Return whether a candidate is, before training, below the lowest quarter of those before.

    Args:
        settled_top1: dev video top-1 with its statistics estimated again, 0..1.
        earlier: trials before it.
    """
    known = [each.settled_top1 for each in earlier if each.settled_top1 is not None]
    if len(known) < _FEWEST:
        return False
    return settled_top1 < statistics.quantiles(known, n=_QUARTER)[0]


def _count(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.end != COSTLY for outcome in outcomes)


def _log_price(price: Price, run: Run) -> None:
    run.log_metrics(
        {
            "predicted_latency_ms": price.latency_ms,
            "predicted_macs_share": price.macs,
            "predicted_size_mb": price.size_mb,
        }
    )
