"""The thesis's `val.json`: ten best labels per video, and accuracy computed from the file alone.

    {"results": {"v_Archery_g01_c01": [{"label": "Archery", "score": 0.93}, ...]}}

It is ActivityNet's submission format, as written by 3D-ResNets-PyTorch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from vcc.errors import DataError
from vcc.json_keys import keys_once

LABELS_KEPT = 10


def results_of(
    scores: Tensor, *, videos: Sequence[str], labels: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return video id -> its ten best labels with scores, best first.

    Args:
        scores: [V, C], one row per video.
        videos: V ids.
        labels: C class names.
    """
    kept = min(LABELS_KEPT, len(labels))
    values, indices = scores.topk(kept, dim=1)
    return {
        video: [
            {"label": labels[int(index)], "score": float(value)}
            for value, index in zip(row_values, row_indices, strict=True)
        ]
        for video, row_values, row_indices in zip(videos, values, indices, strict=True)
    }


def write_val_json(path: Path, results: Mapping[str, Any]) -> None:
    """Write results in the thesis's form."""
    path.write_text(json.dumps({"results": dict(results)}, allow_nan=False))


def read_val_json(path: Path) -> dict[str, list[str]]:
    """Return video id -> its predicted labels, best first.

    Raises:
        DataError: the file is missing, not JSON, or not of this form.
    """
    try:
        content = json.loads(
            path.read_text(), object_pairs_hook=keys_once, parse_constant=_no_number
        )
    except FileNotFoundError:
        msg = f"{path}: no such file: `evaluate` without val_json writes one"
        raise DataError(msg) from None
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path}: not a readable JSON file: {error}"
        raise DataError(msg) from None
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict) or not results:
        msg = f'{path}: has no "results" mapping of video id to predictions'
        raise DataError(msg)
    return {video: _labels_best_first(path, video, rows) for video, rows in results.items()}


def _no_number(name: str) -> Any:
    msg = f"{name} is not a score"
    raise ValueError(msg)


def _labels_best_first(path: Path, video: str, rows: Any) -> list[str]:
    try:
        # 1e999 is infinite, and text such as "nan" would pass for a number.
        if not all(math.isfinite(row["score"]) for row in rows):
            msg = f"{path}: results[{video!r}] has a score that is not a finite number"
            raise DataError(msg)
        labels = [row["label"] for row in rows]
        if len(set(labels)) < len(labels):
            msg = f"{path}: results[{video!r}] names a label twice"
            raise DataError(msg)
        ordered = sorted(rows, key=lambda row: -float(row["score"]))
        return [str(row["label"]) for row in ordered]
    except (TypeError, KeyError, ValueError, OverflowError):
        msg = f'{path}: results[{video!r}] is not a list of {{"label", "score"}}'
        raise DataError(msg) from None


def topk_accuracy(
    predictions: Mapping[str, Sequence[str]], truth: Mapping[str, str], *, k: int
) -> float:
    """Return the share (0..1) of the videos in `truth` with their label among the first `k`.

    Raises:
        DataError: a video of `truth` has no prediction, or `truth` is empty.
    """
    if not truth:
        msg = "the annotation's subset holds no video to score"
        raise DataError(msg)
    missing = [video for video in truth if video not in predictions]
    if missing:
        msg = (
            f"{len(missing)} of {len(truth)} annotated videos have no prediction, "
            f"the first is {missing[0]!r}: was the file written for this annotation?"
        )
        raise DataError(msg)
    right = sum(label in predictions[video][:k] for video, label in truth.items())
    return right / len(truth)
