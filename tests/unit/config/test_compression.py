"""What a user can set about compression."""

from __future__ import annotations

import pytest

from vcc.config.compression import ClipChoice, CompressionOptions, TargetOptions
from vcc.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ({}, {}),
        ({"sample_size": 40}, {"sample_size": 40}),
        ({"sample_duration": 8, "downsample": 2}, {"sample_duration": 8, "downsample": 2}),
    ],
)
def test_only_clips_that_were_chosen_are_told(
    values: dict[str, int], chosen: dict[str, int]
) -> None:
    assert ClipChoice(**values).chosen() == chosen


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"target_macs": 0}, "target_macs: 0 is out of range: it must be more than 0"),
        ({"target_macs": 1.01}, "target_macs: 1.01 is out of range: it must be at most 1"),
        ({"target_params": -0.5}, "target_params: -0.5"),
        ({"target_latency_ms": 0.0}, "target_latency_ms: 0.0"),
        ({"target_provider": "gpu"}, "target_provider: 'gpu' is not one of"),
    ],
)
def test_a_target_is_a_share_or_a_time(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TargetOptions(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"compression_type": ("ep", "qta")}, "compression_type: 'qta' is not one of .*qat"),
        ({"summary_group": "channel"}, "summary_group: 'channel'"),
        ({"ptq_budget": -0.1}, "ptq_budget: -0.1"),
        ({"overflow": "slow"}, "overflow: 'slow'"),
        ({"round_to": 0}, "round_to: 0"),
    ],
)
def test_what_compression_refuses(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CompressionOptions(**values)


def test_what_is_left_out_is_the_schedule_s_business() -> None:
    options = CompressionOptions()
    assert options.compression_type == ("ep",)
    assert options.schedule is options.ptq_budget is options.overflow is None
    assert CompressionOptions(ptq_budget=0, target_macs=1).target_macs == 1
