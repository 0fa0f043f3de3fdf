"""The study: every cell of a matrix that is not there yet, then one report of all of them."""

from __future__ import annotations

import dataclasses
import logging
import operator
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vcc.cli import say
from vcc.config.data import PrepareOptions
from vcc.config.entrypoints import StudyEntry
from vcc.config.yaml_files.study_matrix import SHIPPED, Cell, StudyMatrix, read_matrix
from vcc.data.annotations.folds import fold_datasets
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError, StoppedError, StudyError, VccError
from vcc.evaluation.study.results import CellResult, read_result, write_result
from vcc.pipeline.evaluate.step import largest_class_share
from vcc.pipeline.prepare import log_dataset, prepare_step
from vcc.pipeline.study.cell import compute_cell
from vcc.pipeline.study.estimate import calibrate, cell_seconds, corrected
from vcc.pipeline.study.networks import network_of_cell
from vcc.pipeline.study.place import StudyPlace
from vcc.pipeline.study.report import write_report
from vcc.pipeline.train.cross_validation import baseline_answers, resolutions_of
from vcc.tracking.runs import Run, connect, open_run

_logger = logging.getLogger(__name__)


def run_study(options: StudyEntry) -> None:
    """Compute the cells of a matrix that are missing and write the report.

    Raises:
        ConfigError: the matrix says something that makes no study.
        StoppedError: someone ended it; the cells that were computed are kept.
        StudyError: cells failed; the others were computed and are in the report.
    """
    connect()
    matrix = read_matrix(options.matrix or SHIPPED)
    chosen = matrix.choose(options.only)
    with open_run(options.run_name or f"study {matrix.name}", step="study", options=options) as run:
        run.log_file(matrix.source, "matrix")
        dataset = _prepared(matrix, options, run)
        folds = _folds(matrix, dataset)
        place = StudyPlace(
            matrix=matrix,
            dataset_of=lambda cell: folds[cell.number - 1] if folds else dataset,
            checkpoints=options.root_path / "study_networks" / matrix.name,
            n_threads=options.n_threads,
            no_cuda=options.no_cuda,
        )
        folder = options.results / "study" / matrix.name
        done = _finished(chosen, place, folder)
        todo = [cell for cell in chosen if cell not in done]
        say(f"{len(chosen)} cells: {len(done)} are in {folder}, {len(todo)} to compute")
        failed = _Computation(place, options, folder, dataset).compute(todo, done)
        if done:
            page = write_report(
                [done[cell] for cell in chosen if cell in done],
                name=matrix.name,
                folder=folder,
                pooled=bool(matrix.folds),
                notes=[*_baselines(dataset, folds), *_missing(chosen, done)],
            )
            for ending in (".md", ".html", ".png"):
                run.log_file(page.with_suffix(ending), "report")
            run.describe(page.with_suffix(".md").read_text(encoding="utf-8"))
            say(f"report: {page.resolve()}")
        if failed:
            msg = f"{len(failed)} of {len(todo)} cells failed: {'; '.join(failed)}"
            raise StudyError(msg)


class _Computation:
    """Computes cells one after the other, within a budget of time."""

    def __init__(
        self, place: StudyPlace, options: StudyEntry, folder: Path, dataset: PreparedDataset
    ) -> None:
        self._place = place
        self._options = options
        self._folder = folder
        self._dataset = dataset

    def compute(self, todo: Sequence[Cell], done: dict[Cell, CellResult]) -> list[str]:
        """Compute cells, add them to `done`, and return a line for each that failed."""
        if not todo:
            return []
        matrix = self._place.matrix
        pace = calibrate(matrix, self._dataset)
        estimates = {
            cell: cell_seconds(cell, matrix, self._place.dataset_of(cell), pace)
            for cell in matrix.cells()
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
                result = self._compute_one(cell)
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

    def _compute_one(self, cell: Cell) -> CellResult | None:
        """Compute a cell, or its network alone where no more is asked for."""
        recipe = self._place.matrix.models[cell.model]
        with open_run(cell.key, step="cell", options=recipe.training) as child:
            log_dataset(child, self._place.dataset_of(cell), context="train")
            if self._options.networks_only:
                network_of_cell(cell, self._place, child)
                return None
            result = compute_cell(cell, self._place, child, command=self._command(cell))
            child.log_file(write_result(result, self._folder), "cell")
        return result

    def _command(self, cell: Cell) -> str:
        matrix = f" -P matrix={self._options.matrix}" if self._options.matrix else ""
        return f"mlflow run . -e study --env-manager local{matrix} -P only={cell.key}"


def _prepared(matrix: StudyMatrix, options: StudyEntry, run: Run) -> PreparedDataset:
    data: PrepareOptions = dataclasses.replace(matrix.data, root_path=options.root_path)
    return prepare_step(data, run)


def _folds(matrix: StudyMatrix, dataset: PreparedDataset) -> tuple[PreparedDataset, ...]:
    if not matrix.folds:
        return ()
    return fold_datasets(dataset, matrix.folds, seed=matrix.data.manual_seed)


def _baselines(dataset: PreparedDataset, folds: Sequence[PreparedDataset]) -> list[str]:
    """Return what answers that never look at a video score, over the videos of all folds."""
    if not folds:
        return [f"Always naming the largest class scores {largest_class_share(dataset):.1%}."]
    resolutions = resolutions_of(dataset)
    right = [0, 0]
    for fold in folds:
        labels = [video.label for video in fold.videos("test")]
        for number, answers in enumerate(baseline_answers(fold, resolutions)):
            right[number] += sum(map(operator.eq, answers, labels))
    n_videos = len(dataset.manifest.videos)
    return [
        f"On the same {n_videos} videos, always naming the largest class scores "
        f"{right[0] / n_videos:.1%}, and naming the class that the video's resolution mostly has "
        f"{right[1] / n_videos:.1%}."
    ]


def _finished(cells: Sequence[Cell], place: StudyPlace, folder: Path) -> dict[Cell, CellResult]:
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
        if result.settings == place.settings(cell):
            done[cell] = result
        else:
            _logger.info("%s: made by other settings: it will be computed again", path)
    return done


def _missing(chosen: Sequence[Cell], done: Mapping[Cell, CellResult]) -> list[str]:
    missing = [cell.key for cell in chosen if cell not in done]
    return [f"Not computed yet: {', '.join(missing)}."] if missing else []


def _hours(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"
