"""The best candidates, compressed in full with the dense network as teacher, and timed in turns."""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.config.compression import CompressionOptions
from vcc.config.entrypoints import SearchEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.models.checkpoint import save_checkpoint
from vcc.pipeline.card import Network
from vcc.pipeline.compress.compressed import Compressed, compress
from vcc.pipeline.compress.recipe import Recipe, recipe_for
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.search.study import Outcome
from vcc.pipeline.search.target import Target
from vcc.pipeline.source import load_network
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)

# Shares of videos, subtracted.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """A candidate that was compressed in full.

    Attributes:
        name: such as "trial12".
        outcome: of its trial.
        made: what came out, with the recipe.
        top1: its dev video top-1.
    """

    name: str
    outcome: Outcome
    made: Compressed
    top1: float


def choose_finalists(
    outcomes: Sequence[Outcome],
    target: Target,
    *,
    dense_top1: float,
    measured: Callable[[Outcome], Outcome],
) -> Iterator[Outcome]:
    """Yield the trials that meet the target, the best first, see `Outcome.rank`.

    Where the target is a drop, the best are the cheapest of those that cost no more; behind them
    stand the others, those first that miss the least.

    Args:
        outcomes: of all trials.
        target: that they must meet: measured, if it limits a time.
        dense_top1: dev video top-1 of the dense network, 0..1.
        measured: times an outcome's network; called for those that were not timed yet, best first.
    """
    fit = [each for each in outcomes if each.top1 is not None]
    fit = [each for each in fit if target.violation(each.best_price()) <= 0]
    unique = {str(each.candidate): each for each in fit}

    def rank(outcome: Outcome) -> tuple[float, ...]:
        if target.drop is None:
            return outcome.rank()
        missing = dense_top1 - target.drop - (outcome.top1 or 0.0)
        return (0.0, target.of(outcome.best_price())) if missing <= _ROUNDING else (1.0, missing)

    ranked = sorted(unique.values(), key=rank)
    return _meeting(ranked, target, measured) if target.is_latency else iter(ranked)


def _meeting(
    ranked: Sequence[Outcome], target: Target, measured: Callable[[Outcome], Outcome]
) -> Iterator[Outcome]:
    """Yield those that meet a target when timed; only those that are asked for are timed."""
    for outcome in ranked:
        known = outcome if outcome.measured is not None else measured(outcome)
        if target.violation(known.best_price()) <= 0:
            yield known
            continue
        _logger.info(
            "trial %d is left out: it takes %s where %s was predicted",
            known.number,
            target.text(known.best_price()),
            target.text(known.price),
        )


class Finals:
    """Makes finalists of one search.

    Args:
        dense: the dense network.
        dataset: its data.
        options: epochs, seed, machine.
        parent: registry URI of the dense network, if it has one.
        folder: of the search; networks are kept in it, and found by a search that goes on.
    """

    def __init__(
        self,
        dense: Network,
        dataset: PreparedDataset,
        options: SearchEntry,
        *,
        parent: str | None,
        folder: Path,
    ) -> None:
        self._dense, self._dataset, self._options = dense, dataset, options
        self._parent, self._folder = parent, folder

    def recipe(self, schedule: Path) -> Recipe:
        """Return how a schedule of a candidate is followed: as `compress` would."""
        options, dense = self._options, self._dense
        recipe = recipe_for(
            dense,
            CompressionOptions(schedule=schedule),
            n_epochs=None,
            learning_rate=None,
            parent=self._parent,
        )
        return dataclasses.replace(
            recipe,
            method="search",
            training=dataclasses.replace(recipe.training, no_cuda=options.no_cuda),
            clip=dataclasses.replace(
                recipe.clip, n_threads=options.n_threads, manual_seed=options.manual_seed
            ),
        )

    def make(self, schedule: Path, run: Run) -> Compressed:
        """Return a schedule's network: as it was kept, or compressed now."""
        recipe = self.recipe(schedule)
        place = self._folder / "networks" / schedule.stem
        if place.is_dir():
            network = load_network(place)
            return Compressed(
                network=network,
                recipe=recipe,
                before=size_figures(self._dense),
                after=size_figures(network),
                dense_clip=self._dense.card.protocol,
            )
        source = Network(model=copy.deepcopy(self._dense.model), card=self._dense.card)
        made = compress(source, self._dataset, recipe, run=run)
        save_checkpoint(place, made.network.model, made.network.card.as_metadata())
        return made
