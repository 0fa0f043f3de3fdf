"""Marks that a candidate must reach."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.yaml_files.gate_marks import GateOptions
from vcc.errors import ConfigError


def test_a_mark_that_is_left_unset_is_not_looked_at() -> None:
    options = GateOptions(drop_from_champion=None, drop_from_dense=None, speedup=None)
    assert options.drop_from_champion is options.speedup is options.p95_ms is None
    # A candidate may be asked to be better than what it is compared with.
    assert GateOptions(drop_from_dense=-0.01).drop_from_dense == -0.01


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"drop_from_champion": 1.5}, "drop_from_champion: 1.5"),
        ({"speedup": 0.0}, "speedup: 0.0"),
        ({"p95_ms": 0.0}, "p95_ms: 0.0"),
        ({"video_top1": 1.01}, "video_top1: 1.01"),
        ({"parity_videos": 0}, "parity_videos: 0"),
        ({"latency_runs": 4}, "latency_runs: 4"),
        ({"provider": "gpu"}, "provider: 'gpu' is not one of"),
        ({"parity": "yes"}, "parity: 'yes'"),
    ],
)
def test_marks_have_ranges(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GateOptions(**values)
