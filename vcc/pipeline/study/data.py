"""The data of a study: prepared once, with other subsets for every split or fold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from vcc.config.yaml_files.study_matrix import Cell, StudyMatrix
from vcc.data.annotations.folds import fold_datasets
from vcc.data.prepare.official import split_datasets
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.prepare import below_root, prepare_step
from vcc.tracking.runs import Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyData:
    """A study's videos.

    Attributes:
        whole: as they were prepared.
        parts: repeat, such as "split1" -> the same videos in its subsets; none for seeds.
    """

    whole: PreparedDataset
    parts: Mapping[str, PreparedDataset]

    def of(self, cell: Cell) -> PreparedDataset:
        """Return the data of a cell: the same for every seed."""
        return self.parts.get(cell.repeat, self.whole)


def study_data(matrix: StudyMatrix, root_path: Path, run: Run) -> StudyData:
    """Prepare a study's videos, or find them prepared.

    Args:
        matrix: whose data, and which splits or folds of them.
        root_path: folder of prepared data sets.
        run: takes what `prepare` reports.

    Raises:
        DataError: the videos, or the splits or folds of them, cannot be used.
    """
    options = below_root(dataclasses.replace(matrix.data, root_path=root_path))
    whole = prepare_step(options, run)
    parts: tuple[PreparedDataset, ...] = ()
    if matrix.splits:
        parts = split_datasets(whole, options, matrix.splits)
    elif matrix.folds:
        parts = fold_datasets(whole, matrix.folds, seed=matrix.data.manual_seed)
    return StudyData(whole=whole, parts=dict(zip(matrix.repeats, parts, strict=bool(parts))))
