"""A val.json file is scored against the annotation's test videos, without a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vcc.config.entrypoints import EvaluateEntry
from vcc.errors import ConfigError
from vcc.pipeline.evaluate.predictions import score_val_json

LABELS = ["a", "b", "c", "d", "e", "f"]


def write(folder: Path) -> EvaluateEntry:
    """Two test videos: one is right at once, the other's label comes sixth; one is for training."""
    database = {
        "v1": {"subset": "validation", "annotations": {"label": "a"}},
        "v2": {"subset": "validation", "annotations": {"label": "f"}},
        "v3": {"subset": "training", "annotations": {"label": "b"}},
    }
    ranked = [{"label": label, "score": 1 / (i + 1)} for i, label in enumerate(LABELS)]
    annotation, predictions = folder / "annotation.json", folder / "val.json"
    annotation.write_text(json.dumps({"labels": LABELS, "database": database}))
    predictions.write_text(json.dumps({"results": {"v1": ranked, "v2": ranked}}))
    return EvaluateEntry(val_json=predictions, annotation=annotation)


def test_only_the_test_videos_count(tmp_path: Path) -> None:
    assert score_val_json(write(tmp_path)) == (0.5, 0.5)


def test_the_annotation_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="val_json: needs annotation as well"):
        score_val_json(EvaluateEntry(val_json=tmp_path / "val.json"))
