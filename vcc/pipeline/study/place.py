"""Where a study works, and what its cells build on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from vcc.compression.schedule.shipped import default_schedule, find_schedule
from vcc.config.yaml_files.study_matrix import DENSE, Cell, MethodOptions, StudyMatrix
from vcc.data.store.prepared import PreparedDataset


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyPlace:
    """Where a study works.

    Attributes:
        matrix: what is studied.
        dataset_of: the data of a cell: the same for every seed, other subsets for
            every split or fold.
        checkpoints: folder of the networks, one folder per cell.
        n_threads: loader workers.
        no_cuda: stay on the CPU.
    """

    matrix: StudyMatrix
    dataset_of: Callable[[Cell], PreparedDataset]
    checkpoints: Path
    n_threads: int
    no_cuda: bool


def schedule_of(method: MethodOptions, family: str) -> Path:
    """Return a method's schedule file for a model family."""
    if method.schedule is not None:
        # Not `format`: other braces in a path are the path's.
        return find_schedule(Path(str(method.schedule).replace("{family}", family)))
    return default_schedule(family, method.compression_type)


def dense_cell(cell: Cell, model: str | None = None) -> Cell:
    """Return the dense cell of the same repeat, of a cell's own model or of another."""
    return dataclasses.replace(cell, method=DENSE, model=model or cell.model)
