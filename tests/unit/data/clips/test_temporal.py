"""Frame indices against lists worked out by hand from the thesis's loops."""

from __future__ import annotations

import random

import numpy as np
import pytest

from vcc.data.clips.temporal import (
    consecutive_windows,
    last_random_begin,
    looped_window,
    random_window,
    spread,
    window_around,
)


def thesis_random_crop(frames: list[int], size: int, stride: int, begin: int) -> list[int]:
    """The loop of the thesis's TemporalRandomCrop for a given draw, as it stands there."""
    span = size * stride
    out = frames[begin : min(begin + span, len(frames))]
    for index in out:
        if len(out) >= span:
            break
        out.append(index)
    return [out[i] for i in range(0, span, stride)]


def test_short_video_loops() -> None:
    assert looped_window(3, 0, size=8).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert looped_window(1, 0, size=3).tolist() == [0, 0, 0]
    # 3 frames looped to 0 1 2 0 1 2 0 1, of which every second.
    assert looped_window(3, 0, size=4, stride=2).tolist() == [0, 2, 1, 0]


def test_last_random_begin_is_the_thesis_bound() -> None:
    # One less than would fit: 20 - 16 - 1.
    assert last_random_begin(20, size=16) == 3
    assert last_random_begin(17, size=16) == 0
    assert last_random_begin(5, size=16) == 0
    assert last_random_begin(40, size=16, stride=2) == 7


@pytest.mark.parametrize(
    ("n_frames", "size", "stride"), [(20, 16, 1), (50, 8, 3), (7, 16, 1), (9, 4, 4), (1, 3, 2)]
)
def test_window_equals_the_thesis_for_the_same_draw(n_frames: int, size: int, stride: int) -> None:
    draw = random.Random(0)
    for _ in range(20):
        begin = draw.randint(0, max(0, n_frames - size * stride - 1))
        expected = thesis_random_crop(list(range(n_frames)), size, stride, begin)
        assert looped_window(n_frames, begin, size=size, stride=stride).tolist() == expected


def test_random_window_reaches_every_start_and_no_other() -> None:
    rng = np.random.default_rng(0)
    starts = {int(random_window(20, rng, size=16)[0]) for _ in range(200)}
    assert starts == {0, 1, 2, 3}


def test_consecutive_windows_cover_the_video_and_loop_at_the_end() -> None:
    assert consecutive_windows(7, size=3).tolist() == [[0, 1, 2], [3, 4, 5], [6, 6, 6]]
    assert consecutive_windows(6, size=3).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert consecutive_windows(2, size=3).tolist() == [[0, 1, 0]]
    # Windows of 6 frames: 0..5 and 6..9 looped to 6 7 8 9 6 7.
    assert consecutive_windows(10, size=3, stride=2).tolist() == [[0, 2, 4], [6, 8, 6]]


def test_spread() -> None:
    assert spread(0, 4).tolist() == [0, 1, 2, 3]
    assert spread(5, 4).tolist() == [0, 1, 2, 3]
    assert spread(3, 9).tolist() == [0, 4, 8]
    assert spread(1, 9).tolist() == [4]


@pytest.mark.parametrize(
    ("begin", "span", "size", "stride", "expected"),
    [
        # twice the frames around 4..7 are 2..9; at the ends of the 12 frames they move
        (4, 4, 8, 1, [2, 3, 4, 5, 6, 7, 8, 9]),
        (0, 4, 8, 1, [0, 1, 2, 3, 4, 5, 6, 7]),
        (8, 4, 8, 1, [4, 5, 6, 7, 8, 9, 10, 11]),
        # the same span in more frames, and a shorter one within
        (3, 8, 8, 1, [3, 4, 5, 6, 7, 8, 9, 10]),
        (2, 8, 2, 2, [4, 6]),
        # longer than the video: it loops, from the start
        (5, 4, 8, 2, [0, 2, 4, 6, 8, 10, 0, 2]),
    ],
)
def test_window_around(begin: int, span: int, size: int, stride: int, expected: list[int]) -> None:
    found = window_around(12, begin=begin, span=span, size=size, stride=stride)
    assert found.tolist() == expected
