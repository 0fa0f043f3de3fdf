"""The study command: every cell of a matrix that is not there yet, then one report of all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from vcc.cli import say
from vcc.config.data import PrepareOptions
from vcc.config.entrypoints import StudyEntry
from vcc.config.yaml_files.study_matrix import SHIPPED, Cell, StudyMatrix, read_matrix
from vcc.data.annotations.folds import fold_datasets
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import StudyError
from vcc.evaluation.study.results import CellResult
from vcc.pipeline.prepare import prepare_step
from vcc.pipeline.study.baselines import baseline_notes
from vcc.pipeline.study.place import StudyPlace
from vcc.pipeline.study.report import write_report
from vcc.pipeline.study.step import Computation, finished
from vcc.tracking.runs import Run, connect, open_run


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
        done = finished(chosen, place, folder)
        todo = [cell for cell in chosen if cell not in done]
        say(f"{len(chosen)} cells: {len(done)} are in {folder}, {len(todo)} to compute")
        failed = Computation(place, options, folder, dataset).compute(todo, done)
        if done:
            page = write_report(
                [done[cell] for cell in chosen if cell in done],
                name=matrix.name,
                folder=folder,
                pooled=bool(matrix.folds),
                notes=[*baseline_notes(dataset, folds), *_missing(chosen, done)],
            )
            for ending in (".md", ".html", ".png"):
                run.log_file(page.with_suffix(ending), "report")
            run.describe(page.with_suffix(".md").read_text(encoding="utf-8"))
            say(f"report: {page.resolve()}")
        if failed:
            msg = f"{len(failed)} of {len(todo)} cells failed: {'; '.join(failed)}"
            raise StudyError(msg)


def _prepared(matrix: StudyMatrix, options: StudyEntry, run: Run) -> PreparedDataset:
    data: PrepareOptions = dataclasses.replace(matrix.data, root_path=options.root_path)
    return prepare_step(data, run)


def _folds(matrix: StudyMatrix, dataset: PreparedDataset) -> tuple[PreparedDataset, ...]:
    if not matrix.folds:
        return ()
    return fold_datasets(dataset, matrix.folds, seed=matrix.data.manual_seed)


def _missing(chosen: Sequence[Cell], done: Mapping[Cell, CellResult]) -> list[str]:
    missing = [cell.key for cell in chosen if cell not in done]
    return [f"Not computed yet: {', '.join(missing)}."] if missing else []
