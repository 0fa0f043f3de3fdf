"""The thesis's results tree: `results/<type>/<DDMM>/` with opts.json, val.json and accuracy.txt.

Two evaluations of one type on one day get `DDMM`, `DDMM-2`, ...: nothing is overwritten.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcc.errors import DataError
from vcc.evaluation.val_json import write_val_json


def new_results_folder(results: Path, kind: str, *, today: datetime.date) -> Path:
    """Create and return the folder for one evaluation.

    Args:
        results: root of the tree.
        kind: benchmark (a dense network), ep, ptq, qat, kd, or several joined by "+".
        today: the day that names the folder.
    """
    number = 0
    while True:
        number += 1
        suffix = "" if number == 1 else f"-{number}"
        folder = results / kind / f"{today:%d%m}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not folder.is_dir():
                msg = f"{folder}: is in the way: it is not a folder"
                raise DataError(msg) from None
            continue
        except OSError as error:
            msg = f"{folder}: cannot be made: {error.strerror}: choose another results folder"
            raise DataError(msg) from None
        return folder


def write_results(
    folder: Path,
    *,
    options: Mapping[str, Any],
    results: Mapping[str, Any],
    top1: float,
    top5: float,
) -> None:
    """Write the three files of one evaluation; accuracies are shares, 0..1."""
    (folder / "opts.json").write_text(json.dumps(dict(options), indent=2))
    write_val_json(folder / "val.json", results)
    (folder / "accuracy.txt").write_text(accuracy_lines(top1, top5))


def accuracy_lines(top1: float, top5: float) -> str:
    """Return the two lines that the thesis's scripts print and parse."""
    return f"Top-1 Accuracy: {top1}\nTop-5 Accuracy: {top5}\n"
