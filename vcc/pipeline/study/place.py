"""Where a study works, and on what each of its cells depends."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vcc.compression.schedule.shipped import default_schedule
from vcc.compression.schedule.yaml_tree import read_tree
from vcc.config.yaml_files.study_matrix import DENSE, Cell, MethodOptions, StudyMatrix
from vcc.data.store.prepared import PreparedDataset


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyPlace:
    """Where a study works.

    Attributes:
        matrix: what is studied.
        dataset_of: the data of a cell: the same for every seed, other subsets for every fold.
        checkpoints: folder of the networks, one folder per cell.
        n_threads: loader workers.
        no_cuda: stay on the CPU.
    """

    matrix: StudyMatrix
    dataset_of: Callable[[Cell], PreparedDataset]
    checkpoints: Path
    n_threads: int
    no_cuda: bool

    def settings(self, cell: Cell) -> str:
        """Return a digest of everything that a cell's figures depend on, except code and machine.

        Weights that a network starts from (`finetune`) are in it by their path, not their content.
        The digest of prepared data is not in it: frames are coded slightly differently by other
        processors. Which videos are in which subset is.
        """
        text = json.dumps(self._settings(cell), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _settings(self, cell: Cell) -> dict[str, Any]:
        matrix = self.matrix
        recipe = matrix.models[cell.model]
        dataset = self.dataset_of(cell)
        videos = [
            [record.id, record.label, subset]
            for subset in ("train", "dev", "test")
            for record in dataset.videos(subset)
        ]
        settings: dict[str, Any] = {
            "data": matrix.data.as_dict() | {"n_jobs": 0, "root_path": "", "output": None},
            "videos": hashlib.sha256(json.dumps(videos).encode()).hexdigest(),
            "network": recipe.network.as_dict(),
            "clip": recipe.clip.as_dict() | {"n_threads": 0},
            "training": recipe.training.as_dict() | {"no_cuda": False},
            "finetune": recipe.finetune.as_dict(),
            "speed": matrix.speed.as_dict(),
            "repeat": cell.repeat,
        }
        if cell.method != DENSE:
            method = matrix.methods[cell.method]
            settings["method"] = method.as_dict()
            # What it says, not its comments: a header takes up what a study measured.
            schedule = read_tree(schedule_of(method, recipe.network.model)).value
            settings["schedule"] = json.dumps(schedule, default=str)
            settings["parent"] = self._settings(matrix.parent(cell))
            if method.teacher:
                settings["teacher"] = self._settings(dense_cell(cell, method.teacher))
        return settings


def schedule_of(method: MethodOptions, family: str) -> Path:
    """Return a method's schedule file for a model family."""
    if method.schedule is not None:
        return Path(str(method.schedule).format(family=family))
    return default_schedule(family, method.compression_type)


def dense_cell(cell: Cell, model: str | None = None) -> Cell:
    """Return the dense cell of the same repeat, of a cell's own model or of another."""
    return dataclasses.replace(cell, method=DENSE, model=model or cell.model)
