"""A constant frame rate out of pictures with times."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.rate import at_constant_rate


def resampled(times: list[float], fps: float, *, duration: float = 0.0) -> str:
    """Return which pictures are shown, by letters, of pictures at some times in seconds."""
    timed = ((time, duration, chr(97 + place)) for place, time in enumerate(times))
    return "".join(at_constant_rate(timed, fps))


@pytest.mark.parametrize(
    ("times", "fps", "shown"),
    [
        ([0.0, 0.1, 0.2], 10, "abc"),
        ([0.0, 0.1, 0.2], 20, "aabbc"),
        # Times count from the first picture.
        ([7.0, 7.1, 7.2], 10, "abc"),
        # The gap of a dropped picture is filled with the one before.
        ([0.0, 0.1, 0.4], 10, "abbbc"),
        ([3.0], 10, "a"),
        ([], 10, ""),
    ],
)
def test_a_picture_is_shown_until_the_next_is_due(
    times: list[float], fps: float, shown: str
) -> None:
    assert resampled(times, fps) == shown


def test_the_last_picture_lasts_as_long_as_it_says() -> None:
    assert resampled([0.0, 0.1], 10, duration=0.3) == "abbb"
    assert resampled([0.0, 0.1, 0.2, 0.3], 5, duration=0.1) == "ac"


def test_a_video_shorter_than_a_frame_still_shows_one() -> None:
    assert resampled([0.0], 1, duration=0.01) == "a"
    assert resampled([0.0, 0.01], 1, duration=0.01) == "b"


@pytest.mark.parametrize("times", [[0.0, 601.0], [0.0, 1e9]])
def test_a_broken_time_stamp_is_refused_before_it_is_filled(times: list[float]) -> None:
    with pytest.raises(BadVideoError, match=r"^a frame lasts \d+ s by its time stamps"):
        resampled(times, 25)


@settings(max_examples=15)
@given(
    gaps=st.lists(st.floats(0, 2), min_size=1, max_size=8),
    fps=st.sampled_from([1.0, 7.5, 25.0]),
)
def test_the_length_is_kept_and_the_order_too(gaps: list[float], fps: float) -> None:
    times = [sum(gaps[:place]) for place in range(len(gaps))]
    shown = resampled(times, fps)
    assert list(shown) == sorted(shown)
    # To half a frame, and the last picture's own, of 1 / fps.
    assert abs(len(shown) - (times[-1] * fps + 1)) <= 0.5 + 1e-6 or len(shown) == 1
