"""The search command: trials until a target is met well, the best in full, the best registered."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from vcc.cli import say
from vcc.config.entrypoints import SearchEntry
from vcc.config.export import ExportOptions
from vcc.errors import GateError
from vcc.pipeline.export.turns import DENSE, Timed, time_in_turns
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.search.conclude import best_finalist, log_found, make_finalist
from vcc.pipeline.search.estimate import Estimate, estimate_search
from vcc.pipeline.search.finalists import Finalist, Finals, choose_finalists
from vcc.pipeline.search.report import SearchFindings, error_line, finalists_text
from vcc.pipeline.search.sensitivity import curves_csv
from vcc.pipeline.search.step import prepare_workshop, runtime_of, search, search_name
from vcc.pipeline.search.study import Outcome
from vcc.pipeline.source import SourceNetwork, find_source
from vcc.tracking.runs import Run, connect, open_run

_logger = logging.getLogger(__name__)


def run_search(options: SearchEntry) -> None:
    """Search for a compression that meets a target, make the best in full, register the best.

    The same command goes on where it was ended.

    Raises:
        ConfigError: there is not exactly one target.
        ScheduleError: the target cannot be met; said before any trial.
        GateError: nothing that was found holds target and `max_drop`.
    """
    asked = options.target[0]
    connect()
    source = find_source(options, alias=None if options.source else "baseline")
    provider = runtime_of(options.provider)
    name = search_name(source, options, provider)
    folder = options.output / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "run.txt"
    earlier = kept.read_text("utf-8").strip() if kept.is_file() else None
    title = options.run_name or f"search {source.network.card.arch} {asked}"
    with open_run(title, step="search", options=options, continues=earlier) as run:
        kept.write_text(f"{run.run_id}\n", "utf-8")
        log_dataset(run, source.dataset, context="train")
        _Search(source, options, run, folder=folder, name=name, provider=provider).run()


class _Search:
    """A search under way, within its budget of time."""

    def __init__(  # noqa: PLR0913 - what a search begins with
        self,
        source: SourceNetwork,
        options: SearchEntry,
        run: Run,
        *,
        folder: Path,
        name: str,
        provider: str,
    ) -> None:
        self._started = time.monotonic()
        self._source, self._options, self._run = source, options, run
        self._name = name
        self._arch = source.network.card.arch
        self._workshop = prepare_workshop(source, options, provider=provider, folder=folder)

    def run(self) -> None:
        """Estimate, search, make finalists, report and register."""
        workshop, options = self._workshop, self._options
        say(f"{self._arch} on {workshop.provider}: dense {workshop.prices.dense_ms:.2f} ms, "
            f"eager {workshop.prices.eager_ms:.2f} ms, dev video top-1 {workshop.dense_top1:.1%}; "
            f"target: {workshop.target.words()}")  # fmt: skip
        estimate = self._estimate()
        say(estimate.text(trials=options.trials, finalists=options.finalists))
        if options.estimate_only:
            return
        outcomes = self._trials(estimate)
        finalists = list(self._finalists(outcomes))
        found = self._found(outcomes, finalists)
        log_found(found, workshop, options, self._arch, self._run)
        say(error_line(found))
        self._conclude(found)

    def _estimate(self) -> Estimate:
        return estimate_search(
            self._source.network,
            self._source.dataset,
            self._workshop.judge,
            self._options,
            n_groups=len(self._workshop.builder.space.groups),
        )

    def _trials(self, estimate: Estimate) -> list[Outcome]:
        curves = self._workshop.curves()
        self._run.log_text(curves_csv(curves), "search/sensitivity.csv")
        reserve = self._options.finalists * estimate.finalist + estimate.timing
        # Finalists get their time, but never more than half of what is there.
        seconds = self._left() - min(reserve, self._left() / 2)
        return search(
            self._workshop, self._options, name=self._name, curves=curves, seconds=seconds
        )

    def _finalists(self, outcomes: Sequence[Outcome]) -> Iterator[Finalist]:
        finals, options = self._finals(), self._options
        chosen = choose_finalists(
            outcomes,
            self._workshop.target,
            dense_top1=self._workshop.dense_top1,
            measured=self._workshop.timed,
        )
        for number, outcome in enumerate(itertools.islice(chosen, options.finalists)):
            if number and self._left() <= 0:
                _logger.info("the time is spent: %d finalists are made", number)
                return
            yield make_finalist(outcome, self._workshop, finals, options, self._arch)

    def _finals(self) -> Finals:
        version = self._source.version
        return Finals(
            self._source.network,
            self._source.dataset,
            self._options,
            parent=version.uri if version else None,
            folder=self._workshop.folder,
        )

    def _found(self, outcomes: Sequence[Outcome], finalists: Sequence[Finalist]) -> SearchFindings:
        times = self._timed(finalists) if finalists else {}
        return SearchFindings(
            target=self._workshop.target,
            outcomes=outcomes,
            dense_top1=self._workshop.dense_top1,
            dev_videos=self._workshop.judge.n_videos,
            dense_figure=self._workshop.dense_figure(),
            finalists=finalists,
            times=times,
        )

    def _timed(self, finalists: Sequence[Finalist]) -> dict[str, Timed]:
        made = {each.name: each.made.network for each in finalists}
        return time_in_turns(
            {DENSE: self._source.network, **made},
            self._source.dataset,
            ExportOptions(provider=self._workshop.provider),
            run_id=self._run.run_id,
        )

    def _conclude(self, found: SearchFindings) -> None:
        options, folder = self._options, self._workshop.folder
        text = (folder / "report.md").read_text("utf-8")
        self._run.describe(text)
        say(f"report: {(folder / 'report.md').resolve()}")
        if not options.finalists:
            return
        if not found.finalists:
            msg = (
                f"{found.target.option}: none of {len(found.outcomes)} trials meets it when "
                "measured: try more trials, or ask for less"
            )
            raise GateError(msg)
        say(finalists_text(found))
        best = best_finalist(found, max_drop=options.max_drop)
        if options.register:
            version = best.made.register(run=self._run)
            self._run.describe(text)
            say(f"registered {version.uri} as challenger")
        say(f"schedule: {best.made.recipe.schedule}")

    def _left(self) -> float:
        """Return the seconds of the budget that are left; infinite without one."""
        if not self._options.budget_minutes:
            return math.inf
        return 60 * self._options.budget_minutes - (time.monotonic() - self._started)
