"""What entry points join, and the pipeline's own defaults."""

from __future__ import annotations

import pytest

from vcc.config.entrypoints import (
    CompressEntry,
    EvaluateEntry,
    PipelineEntry,
    PredictEntry,
    PromoteEntry,
    SensitivityEntry,
    TrainEntry,
)
from vcc.config.mlproject import ENTRY_POINTS
from vcc.config.model import ModelOptions
from vcc.config.options import Options
from vcc.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "width"),
    [
        ({}, 0.75),
        ({"model": "csn", "model_depth": 26}, 1.0),
        ({"width_mult": 0.5}, 0.5),
        ({"model": "csn", "model_depth": 26, "width_mult": 0.25}, 0.25),
    ],
)
def test_the_demonstration_s_resnet_is_narrower_unless_a_width_is_chosen(
    values: dict[str, object], width: float
) -> None:
    network = PipelineEntry(**values).network()
    assert type(network) is ModelOptions
    assert network.width_mult == width


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_each_entry_point_works_without_an_option_and_says_what_it_is_for(name: str) -> None:
    _, cls = ENTRY_POINTS[name]
    assert issubclass(cls, Options)
    assert cls().as_dict() is not None
    assert (cls.__doc__ or "").splitlines()[0].endswith(".")


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (TrainEntry, {"folds": 1}, "folds: 1"),
        (CompressEntry, {"optimizer": "adam"}, "optimizer: 'adam' .*adamw"),
        (CompressEntry, {"n_epochs": -1}, "n_epochs: -1"),
        (EvaluateEntry, {"test_subset": "test"}, "test_subset: 'test'"),
        (SensitivityEntry, {"level_step": 0.0}, "level_step: 0.0"),
        (SensitivityEntry, {"clip_sizes": (40, 7)}, "clip_sizes: 7"),
        (PredictEntry, {"n_clips": 65}, "n_clips: 65"),
        (PromoteEntry, {"reason": "x" * 4001}, "reason: 4001 characters, at most 4000"),
        (PipelineEntry, {"pass_video_top1": 1.5}, "pass_video_top1: 1.5"),
    ],
)
def test_what_an_entry_point_refuses(
    cls: type[Options], values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        cls(**values)
