"""Computes the cells of a study that are not there yet, one after the other."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from vcc.cli import say
from vcc.config.entrypoints import StudyEntry
from vcc.config.yaml_files.study_matrix import Cell, StudyMatrix
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError, StoppedError, VccError
from vcc.evaluation.study.results import CellResult, read_result, write_result
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.study.cell import compute_cell
from vcc.pipeline.study.conditions import add_conditions, has_conditions
from vcc.pipeline.study.digests import digests_of
from vcc.pipeline.study.estimate import EXPORT_S, calibrate, cell_seconds, corrected
from vcc.pipeline.study.networks import network_of_cell
from vcc.pipeline.study.place import StudyPlace
from vcc.pipeline.study.times import add_times
from vcc.tracking.runs import open_run

_logger = logging.getLogger(__name__)


class Computation:
    """Computes cells one after the other, within a budget of time."""

    def __init__(
        self, place: StudyPlace, options: StudyEntry, folder: Path, dataset: PreparedDataset
    ) -> None:
        self._place = place
        self._options = options
        self._folder = folder
        self._dataset = dataset

    def compute(self, todo: Sequence[Cell], done: dict[Cell, CellResult]) -> list[str]:
        """Compute cells, add them to `done`, and return a line for each that failed.

        Of a cell that is in `done` already, what it lacks is measured: times, changed test videos.
        """
        if not todo:
            return []
        matrix = self._place.matrix
        # Of what is left to train alone: each model takes its time, beside other work a minute.
        new = {cell.model for cell in todo if cell not in done}
        pace = calibrate(matrix, self._dataset, new)
        estimates = {
            cell: EXPORT_S
            if cell in done
            else cell_seconds(cell, matrix, self._place.dataset_of(cell), pace)
            for cell in todo
        }
        say(f"estimate: {_hours(corrected(estimates, {}, todo))}, if every step cost a dense one")
        if self._options.estimate_only:
            return []
        failed: list[str] = []
        measured: dict[Cell, float] = {}
        started = time.monotonic()
        for number, cell in enumerate(todo):
            spent = time.monotonic() - started
            if self._options.budget_minutes and spent > 60 * self._options.budget_minutes:
                say(f"{spent / 60:.0f} minutes spent: the same command goes on from here")
                break
            left = _hours(corrected(estimates, measured, todo[number:]))
            _logger.info(
                "--- cell %d of %d: %s (about %s left)", number + 1, len(todo), cell.key, left
            )
            cell_started = time.monotonic()
            try:
                result = self._compute_one(cell, done.get(cell))
            except StoppedError:
                raise
            except VccError as error:
                # The other cells do not depend on it, and hours may have gone into them.
                _logger.warning("cell %s failed: %s", cell.key, error)
                failed.append(f"{cell.key}: {error}")
            else:
                measured[cell] = time.monotonic() - cell_started
                if result is not None:
                    done[cell] = result
        return failed

    def _compute_one(self, cell: Cell, known: CellResult | None) -> CellResult | None:
        """Compute a cell, or its network alone where no more is asked for.

        Args:
            cell: which.
            known: what was computed of it earlier.
        """
        recipe = self._place.matrix.models[cell.model]
        with open_run(cell.key, step="cell", options=recipe.training) as child:
            log_dataset(child, self._place.dataset_of(cell), context="train")
            if self._options.networks_only:
                network_of_cell(cell, self._place, child)
                return None
            result = known or compute_cell(
                cell,
                self._place,
                child,
                command=self._command(cell),
                timed=not self._options.accuracy_only,
            )
            if not result.timings and not self._options.accuracy_only:
                result = add_times(result, cell, self._place, child)
            # What took long is kept, whatever becomes of the rest.
            path = write_result(result, self._folder)
            if not has_conditions(result, cell, self._place.matrix):
                result = add_conditions(result, cell, self._place, child)
                path = write_result(result, self._folder)
            child.log_file(path, "cell")
        return result

    def _command(self, cell: Cell) -> str:
        matrix = f" -P matrix={self._options.matrix}" if self._options.matrix else ""
        return f"mlflow run . -e study --env-manager local{matrix} -P only={cell.key}"


def is_complete(
    cell: Cell, result: CellResult | None, matrix: StudyMatrix, options: StudyEntry
) -> bool:
    """Return whether nothing that was asked for is left to compute of a cell."""
    if result is None or options.networks_only:
        return result is not None
    timed = options.accuracy_only or bool(result.timings)
    return timed and has_conditions(result, cell, matrix)


def finished(cells: Sequence[Cell], place: StudyPlace, folder: Path) -> dict[Cell, CellResult]:
    """Return the cells whose files are there, computed by today's settings."""
    done = {}
    for cell in cells:
        path = folder / f"{cell.key}.json"
        if not path.is_file():
            continue
        result = read_result(path)
        if result.key != cell.key:
            msg = f"{path}: holds the cell {result.key}: delete it to compute {cell.key}"
            raise DataError(msg)
        if result.settings in digests_of(place, cell):
            done[cell] = result
        else:
            _logger.info("%s: made by other settings: it will be computed again", path)
    return done


def _hours(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"
