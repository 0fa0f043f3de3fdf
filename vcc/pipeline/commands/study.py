"""The study command: every cell of a matrix that is not there yet, then one report of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vcc.cli import say
from vcc.config.entrypoints import StudyEntry
from vcc.config.yaml_files.study_matrix import SHIPPED, Cell
from vcc.config.yaml_files.study_reader import read_matrix
from vcc.errors import StudyError
from vcc.evaluation.study.results import CellResult
from vcc.pipeline.study.baselines import baseline_notes
from vcc.pipeline.study.data import study_data
from vcc.pipeline.study.inputs import check_inputs
from vcc.pipeline.study.place import StudyPlace
from vcc.pipeline.study.report import write_report
from vcc.pipeline.study.step import Computation, finished, is_complete
from vcc.tracking.runs import connect, open_run

# Cells that a report names as missing.
_SHOWN = 12


def run_study(options: StudyEntry) -> None:
    """Compute the cells of a matrix that are missing and write the report.

    Raises:
        ConfigError: the matrix says something that makes no study.
        DataError: videos, labels or weights that it names are not there, or make no study.
        StoppedError: someone ended it; the cells that were computed are kept.
        StudyError: cells failed; the others were computed and are in the report.
    """
    connect()
    matrix = read_matrix(options.matrix or SHIPPED)
    chosen = matrix.choose(options.only)
    check_inputs(matrix, chosen, options.root_path)
    with open_run(options.run_name or f"study {matrix.name}", step="study", options=options) as run:
        run.log_file(matrix.source, "matrix")
        data = study_data(matrix, options.root_path, run)
        place = StudyPlace(
            matrix=matrix,
            dataset_of=data.of,
            checkpoints=options.root_path / "study_networks" / matrix.name,
            n_threads=options.n_threads,
            no_cuda=options.no_cuda,
        )
        folder = options.results / "study" / matrix.name
        cells = list(matrix.cells())
        everything = finished(cells, place, folder)
        done = {cell: everything[cell] for cell in chosen if cell in everything}
        todo = [cell for cell in chosen if not is_complete(cell, done.get(cell), matrix, options)]
        there = len(chosen) - len(todo)
        say(f"{len(chosen)} cells: {there} are in {folder}, {len(todo)} to compute")
        failed = Computation(place, options, folder, data.whole).compute(todo, done)
        everything |= done
        if everything:
            results = [everything[cell] for cell in cells if cell in everything]
            page = write_report(
                results,
                name=matrix.name,
                folder=folder,
                pooled=matrix.pooled,
                reference=matrix.reference,
                notes=[
                    *baseline_notes(data.whole, list(data.parts.values()), results),
                    *_missing(cells, everything),
                ],
            )
            for ending in (".md", ".html", ".png", ".losses.png"):
                run.log_file(page.with_suffix(ending), "report")
            run.describe(page.with_suffix(".md").read_text(encoding="utf-8"))
            say(f"report: {page.resolve()}")
        if failed:
            msg = f"{len(failed)} of {len(todo)} cells failed: {'; '.join(failed)}"
            raise StudyError(msg)


def _missing(cells: Sequence[Cell], done: Mapping[Cell, CellResult]) -> list[str]:
    missing = [cell.key for cell in cells if cell not in done]
    more = [f"and {len(missing) - _SHOWN} more"] if len(missing) > _SHOWN else []
    return [f"Not computed yet: {', '.join([*missing[:_SHOWN], *more])}."] if missing else []
