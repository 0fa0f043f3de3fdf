"""Scores a file of predictions against an annotation, without a model."""

from __future__ import annotations

from vcc.cli import say
from vcc.config.entrypoints import EvaluateEntry
from vcc.data.annotations.thesis_json import read_json
from vcc.errors import ConfigError
from vcc.evaluation.results_tree import accuracy_lines
from vcc.evaluation.val_json import read_val_json, topk_accuracy


def run_predictions(options: EvaluateEntry) -> None:
    """Print top-1 and top-5 of a val.json file."""
    say(accuracy_lines(*score_val_json(options)).strip())


def score_val_json(options: EvaluateEntry) -> tuple[float, float]:
    """Return top-1 and top-5 (0..1) of a val.json file against an annotation's test videos.

    Raises:
        ConfigError: the annotation is not named.
        DataError: a file is missing or malformed, or a test video has no prediction.
    """
    if options.val_json is None or options.annotation is None:
        msg = "val_json: needs annotation as well: the file that says what the right labels are"
        raise ConfigError(msg)
    annotation = read_json(options.annotation)
    truth = {entry.id: entry.label for entry in annotation.entries if entry.subset == "test"}
    predictions = read_val_json(options.val_json)
    return (
        topk_accuracy(predictions, truth, k=1),
        topk_accuracy(predictions, truth, k=5),
    )
