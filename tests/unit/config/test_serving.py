"""Limits of what is served: defaults that fit each other, and values out of range by name."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.serving import MOST_CLIPS, ServingOptions
from vcc.errors import ConfigError


def test_defaults_take_a_video_in_4k_of_five_minutes() -> None:
    limits = ServingOptions()
    assert limits.max_megapixels * 1e6 >= 3840 * 2160
    assert limits.max_video_frames >= 5 * 60 * 30
    assert MOST_CLIPS >= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_video_mib": 0}, "max_video_mib: 0"),
        ({"max_video_frames": 0}, "max_video_frames: 0"),
        ({"max_megapixels": -1}, "max_megapixels: -1"),
        ({"max_decode_seconds": float("inf")}, "max_decode_seconds: inf"),
        ({"min_decoded_share": 1.5}, "min_decoded_share: 1.5"),
        ({"max_videos": 0}, "max_videos: 0"),
    ],
)
def test_a_limit_out_of_range_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ServingOptions(**changes)


def test_the_edges_are_taken() -> None:
    made = ServingOptions(min_decoded_share=0.0, max_videos=1, max_video_frames=1)
    assert made.as_dict()["min_decoded_share"] == 0.0
    assert ServingOptions(min_decoded_share=1.0).min_decoded_share == 1.0
