"""What a study needs and is not shipped: videos, labels and weights, looked for beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vcc.config.yaml_files.study_matrix import DENSE, Cell, StudyMatrix
from vcc.errors import DataError


def check_inputs(matrix: StudyMatrix, cells: Sequence[Cell], root_path: Path) -> None:
    """Refuse a study whose files are not there, naming all of them at once.

    Args:
        matrix: the study.
        cells: what is to be computed; weights of other models need not be there.
        root_path: below which videos and annotation may lie, too.

    Raises:
        DataError: a file or folder that the matrix names is missing.
    """
    missing = [*_missing_data(matrix, root_path), *_missing_weights(matrix, cells)]
    if missing:
        msg = (
            f"{matrix.source}: not there: {', '.join(missing)} (looked for in {Path.cwd()}): "
            "docs/study.md says where the shipped studies' are from, or change the matrix"
        )
        raise DataError(msg)


def _missing_data(matrix: StudyMatrix, root_path: Path) -> Iterator[str]:
    named = {"videos": matrix.data.videos, "annotation": matrix.data.annotation}
    for name, path in named.items():
        if path is not None and not path.exists() and not (root_path / path).exists():
            yield f"{path} (data: {name})"


def _missing_weights(matrix: StudyMatrix, cells: Iterable[Cell]) -> Iterator[str]:
    for model in dict.fromkeys(name for cell in cells for name in _models_of(matrix, cell)):
        path = matrix.models[model].finetune.pretrain_path
        # A bare name may be that of torchvision's weights, which are fetched.
        if path is not None and len(path.parts) > 1 and not path.exists():
            yield f"{path} (models.{model}: pretrain_path)"


def _models_of(matrix: StudyMatrix, cell: Cell) -> Iterator[str]:
    """Yield the models whose dense networks a cell needs."""
    yield cell.model
    if cell.method != DENSE and (teacher := matrix.methods[cell.method].teacher):
        yield teacher
