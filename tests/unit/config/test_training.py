"""Options of optimisation, and which of them exclude each other."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.training import FinetuneOptions, ResumeOptions, TrainingOptions
from vcc.errors import ConfigError


def test_the_defaults_are_the_thesis_s() -> None:
    options = TrainingOptions()
    assert (options.optimizer, options.learning_rate, options.momentum) == ("sgd", 0.04, 0.9)
    assert options.lr_steps == (40, 55, 65, 70, 200, 250)


@pytest.mark.parametrize("other", [{"early_stopping": 3}, {"lr_scheduler": "plateau"}])
def test_what_looks_at_the_dev_loss_needs_it(other: dict[str, Any]) -> None:
    assert TrainingOptions(**other)
    assert TrainingOptions(no_val=True)
    with pytest.raises(ConfigError, match="^no_val: .* look at the dev loss: drop one$"):
        TrainingOptions(no_val=True, **other)


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (TrainingOptions, {"learning_rate": 0.0}, "learning_rate: 0.0"),
        (TrainingOptions, {"lr_steps": (10, 0)}, "lr_steps: 0"),
        (TrainingOptions, {"label_smoothing": 1.0}, "label_smoothing: 1.0"),
        (TrainingOptions, {"train_precision": "fp8"}, "train_precision: 'fp8'"),
        (TrainingOptions, {"accumulate": 0}, "accumulate: 0"),
        (ResumeOptions, {"checkpoint": 0}, "checkpoint: 0"),
        (FinetuneOptions, {"n_finetune_classes": 1}, "n_finetune_classes: 1"),
    ],
)
def test_values_out_of_range_are_refused(
    cls: type[Any], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        cls(**values)
