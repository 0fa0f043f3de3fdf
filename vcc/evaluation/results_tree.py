"""The thesis's results tree: `results/<type>/<DDMM>/` with opts.json, val.json and accuracy.txt.

Two evaluations of one type on one day get `DDMM`, `DDMM-2`, ...: nothing is overwritten.
"""

from __future__ import annotations

import datetime
import itertools
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vcc.errors import DataError
from vcc.evaluation.val_json import write_val_json


@dataclass(frozen=True, kw_only=True)
class Results:
    """What one evaluation leaves.

    Attributes:
        options: of the network, for opts.json.
        predictions: video id -> its best labels, see `val_json.results_of`.
        top1: share of videos that are right, 0..1.
        top5: share of videos with the right label among five, 0..1.
    """

    options: Mapping[str, Any]
    predictions: Mapping[str, Any]
    top1: float
    top5: float


def write_results(results: Path, kind: str, *, today: datetime.date, found: Results) -> Path:
    """Write one evaluation's folder, all of its files or none, and return it.

    Args:
        results: root of the tree.
        kind: benchmark (a dense network), ep, ptq, qat, kd, or several joined by "+".
        today: the day that names the folder.
        found: what to write.

    Raises:
        DataError: it cannot be written there.
    """
    parent = results / kind
    try:
        parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=parent))
        try:
            partial.chmod(0o755)
            (partial / "opts.json").write_text(json.dumps(dict(found.options), indent=2))
            write_val_json(partial / "val.json", found.predictions)
            (partial / "accuracy.txt").write_text(accuracy_lines(found.top1, found.top5))
            return _place(partial, parent / f"{today:%d%m}")
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        msg = f"{parent}: cannot be written: {error.strerror}: choose another results folder"
        raise DataError(msg) from None


def _place(partial: Path, folder: Path) -> Path:
    """Give a folder the first free name: DDMM, DDMM-2, ..."""
    for number in itertools.count(1):
        numbered = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            # Fails where another evaluation took the name meanwhile: its folder is not empty.
            partial.rename(numbered)
        except OSError:
            if not numbered.exists():
                raise
        else:
            return numbered
    raise AssertionError


def accuracy_lines(top1: float, top5: float) -> str:
    """Return the two lines that the thesis's scripts print and parse."""
    return f"Top-1 Accuracy: {top1}\nTop-5 Accuracy: {top5}\n"
