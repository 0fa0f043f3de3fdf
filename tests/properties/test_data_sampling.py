"""Sampling for any length, size and stride."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vcc.data.clips.protocol import ClipProtocol
from vcc.data.clips.spatial import corner_box, random_box
from vcc.data.clips.temporal import (
    consecutive_windows,
    looped_window,
    random_window,
    spread,
)

lengths = st.integers(1, 300)
sizes = st.integers(1, 40)
strides = st.integers(1, 5)


def loop_padded(frames: list[int], span: int, stride: int) -> list[int]:
    """The thesis's loop padding, word for word: append from the start until it is long enough."""
    out = list(frames)
    for index in out:
        if len(out) >= span:
            break
        out.append(index)
    return [out[i] for i in range(0, span, stride)]


@settings(max_examples=100, deadline=None)
@given(lengths, sizes, strides, st.data())
def test_any_window_is_the_loop_padded_slice(
    n: int, size: int, stride: int, data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, n - 1))
    expected = loop_padded(list(range(begin, min(begin + size * stride, n))), size * stride, stride)
    assert looped_window(n, begin, size=size, stride=stride).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(lengths, sizes, strides, st.integers(0, 2**32))
def test_clips_stay_inside_and_move_forward(n: int, size: int, stride: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    clips = [
        looped_window(n, 0, size=size, stride=stride),
        random_window(n, rng, size=size, stride=stride),
    ]
    for clip in clips:
        assert len(clip) == size
        assert clip.min() >= 0
        assert clip.max() < n
        if n >= size * stride:
            assert (np.diff(clip) == stride).all()


@settings(max_examples=60, deadline=None)
@given(lengths, sizes, strides)
def test_consecutive_windows_see_every_stride_th_frame_once(n: int, size: int, stride: int) -> None:
    windows = consecutive_windows(n, size=size, stride=stride)
    span = size * stride
    assert len(windows) == -(-n // span)
    whole = windows[: n // span].ravel()
    expected = [b * span + i * stride for b in range(n // span) for i in range(size)]
    assert whole.tolist() == expected
    if n % span:
        assert set(windows[-1].tolist()) <= set(range(n - n % span, n))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(1, 60))
def test_spread_keeps_order_and_ends(count: int, available: int) -> None:
    kept = spread(count, available).tolist()
    assert kept == sorted(set(kept))
    assert len(kept) == (available if count == 0 else min(count, available))
    if len(kept) > 1:
        assert (kept[0], kept[-1]) == (0, available - 1)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.floats(0.1, 1.0),
    st.sampled_from(["c", "tl", "tr", "bl", "br"]),
    st.integers(0, 2**32),
)
def test_boxes_lie_inside_the_frame(
    height: int, width: int, share: float, position: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    boxes = [
        corner_box(height, width, share=share, position=position),
        random_box(height, width, rng, share=share),
    ]
    for box in boxes:
        assert box.side >= 1
        assert box.top >= 0
        assert box.left >= 0
        assert box.top + box.side <= height
        assert box.left + box.side <= width


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(4, 40),
    st.integers(4, 40),
    st.integers(4, 24),
    st.floats(0.3, 1.0),
    st.sampled_from(["c", "tl", "tr", "bl", "br"]),
)
def test_protocol_takes_any_video(
    n: int, height: int, width: int, size: int, scale: float, position: str
) -> None:
    frames = np.full((n, height, width, 3), (1, 128, 255), np.uint8)
    protocol = ClipProtocol(size, 4, scale_in_test=scale, crop_position_in_test=position)
    clips = protocol.clips(frames)
    assert clips.shape == (-(-n // 4), 3, 4, size, size)
    # No crop reaches outside the frame and colours keep their places.
    assert [clips[:, c].unique().tolist() for c in range(3)] == [[1], [128], [255]]
