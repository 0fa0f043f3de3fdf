"""When pictures are shown, by their stamps."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest

from vcc.data.decoding.clock import Clock


def picture(
    pts: int | None = None, *, dts: int | None = None, duration: int = 0, base: int = 1000
) -> av.VideoFrame:
    """Return a picture with stamps in 1/base seconds."""
    made = av.VideoFrame(16, 16, "rgb24")
    made.pts, made.dts = pts, dts
    made.time_base = Fraction(1, base)
    made.duration = duration
    return made


def times(clock: Clock, stamps: list[int | None]) -> list[float]:
    return [clock.time(picture(stamp)) for stamp in stamps]


def test_times_are_stamps_in_seconds() -> None:
    assert times(Clock(25, by_decoding=False), [500, 540, 580]) == [0.5, 0.54, 0.58]


def test_a_picture_without_a_stamp_follows_at_the_video_s_rate() -> None:
    assert times(Clock(10, by_decoding=False), [None, None, 500, None]) == [
        0.0,
        0.1,
        0.5,
        pytest.approx(0.6),
    ]


def test_an_unknown_rate_is_taken_for_25() -> None:
    clock = Clock(0, by_decoding=False)
    assert clock.duration(picture(0)) == pytest.approx(0.04)
    assert times(clock, [0, None])[1] == pytest.approx(0.04)


def test_time_never_goes_back() -> None:
    assert times(Clock(25, by_decoding=False), [100, 60, 140]) == [0.1, 0.1, 0.14]


def test_avi_goes_by_the_times_of_decoding() -> None:
    clock = Clock(25, by_decoding=True)
    assert [clock.time(picture(900, dts=40)), clock.time(picture(0, dts=80))] == [0.04, 0.08]


def test_a_picture_s_own_duration_goes_before_the_rate() -> None:
    clock = Clock(25, by_decoding=False)
    assert clock.duration(picture(0, duration=500)) == 0.5
    assert clock.duration(picture(0)) == 0.04


@pytest.mark.parametrize(
    ("stamps", "uneven"),
    [
        ([], False),
        ([0], False),
        ([*range(0, 800, 40)], False),
        # Milliseconds of 30 frames a second: 33, 33, 34.
        ([0, 33, 67, 100, 133, 167, 200, 233], False),
        # One dropped picture of twenty.
        ([*range(0, 400, 40), *range(440, 800, 40)], False),
        ([0, 40, 80, 180, 220, 400, 440, 700], True),
    ],
)
def test_uneven_is_more_than_a_tenth_of_other_lengths(stamps: list[int], uneven: bool) -> None:
    clock = Clock(25, by_decoding=False)
    times(clock, list(stamps))
    assert clock.is_uneven is uneven


def test_recordings_that_were_joined_go_on() -> None:
    clock = Clock(25, by_decoding=False)
    got = times(clock, [*range(0, 800, 40), *range(0, 800, 40)])
    assert got == pytest.approx([n / 25 for n in range(40)])
    assert not clock.is_uneven
    assert clock.fps == pytest.approx(25)


def test_raw_streams_are_counted() -> None:
    clock = Clock(10, by_decoding=False, by_counting=True)
    assert times(clock, [80, 0, 40]) == pytest.approx([0, 0.1, 0.2])
    assert clock.duration(picture(0, duration=40)) == pytest.approx(0.1)


@pytest.mark.parametrize(("stamps", "rate"), [([], 0), ([7], 0), ([5, 5], 0), ([0, 1, 2], 1000)])
def test_the_rate_by_the_times(stamps: list[int], rate: float) -> None:
    clock = Clock(0, by_decoding=False)
    times(clock, list(stamps))
    assert clock.fps == pytest.approx(rate)


def test_milliseconds_are_too_coarse_to_call_a_fast_video_uneven() -> None:
    # 2000 frames a second, as MKV rounds their times.
    clock = Clock(2000, by_decoding=False)
    times(clock, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5])
    assert not clock.is_uneven
