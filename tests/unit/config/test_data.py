"""Options of preparing and of clips."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.data import ClipOptions, PrepareOptions
from vcc.errors import ConfigError


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (PrepareOptions, {"split": 4}, "split: 4"),
        (PrepareOptions, {"store": "zip"}, "store: 'zip' is not one of auto, packed, raw, jpg"),
        (PrepareOptions, {"fps": 241.0}, "fps: 241.0"),
        (PrepareOptions, {"dev_share": 0.6}, "dev_share: 0.6"),
        (PrepareOptions, {"test_share": 0.0}, "test_share: 0.0"),
        (PrepareOptions, {"on_duplicates": "keep"}, "on_duplicates: 'keep'"),
        (PrepareOptions, {"raw_limit_gib": -1.0}, "raw_limit_gib: -1.0"),
        (ClipOptions, {"sample_size": 7}, "sample_size: 7"),
        (ClipOptions, {"hue": 0.6}, "hue: 0.6"),
        (ClipOptions, {"norm_value": 2}, "norm_value: 2"),
        (ClipOptions, {"mean_dataset": "ucf101"}, "mean_dataset: 'ucf101'"),
        (ClipOptions, {"crop_position_in_test": "left"}, "crop_position_in_test: 'left'"),
    ],
)
def test_values_out_of_range_are_refused(
    cls: type[Any], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        cls(**values)


def test_the_defaults_are_the_thesis_s() -> None:
    options = ClipOptions()
    assert (options.sample_size, options.sample_duration, options.norm_value) == (112, 16, 1)
    # But for the crop: UCF101 was trained with a plain random one.
    assert options.train_crop == "random"
