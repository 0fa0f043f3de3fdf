"""Scaling of frames: sizes, both ways of scaling, and stacks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from data_videos import smooth_frames

from vcc.data.clips.resizing import resize, resize_stack, scaled_size, shrunk_size


def test_scaled_size_rounds_down_as_the_thesis() -> None:
    assert scaled_size(240, 320, 128) == (128, 170)
    assert scaled_size(320, 240, 128) == (170, 128)
    assert scaled_size(100, 100, 64) == (64, 64)


def test_frames_are_never_enlarged() -> None:
    frame = smooth_frames(1, height=36, width=48)[0]
    assert shrunk_size(frame, 128) == (36, 48)
    assert shrunk_size(frame, 18) == (18, 24)


def test_resize_averages_where_it_shrinks_much() -> None:
    # Every fourth column is lit: a quarter of the width must see it, whichever columns it falls on.
    frame = np.zeros((8, 8, 3), np.uint8)
    frame[:, ::4] = 200
    assert np.unique(resize(frame, 2, 2)).tolist() == [50]
    # Half the width is the mean of two columns.
    assert resize(frame, 4, 4)[0, :, 0].tolist() == [100, 0, 100, 0]
    assert resize(frame, 8, 8) is frame


@pytest.mark.skipif(not cv2.ipp.useIPP(), reason="OpenCV is built without IPP")
@pytest.mark.parametrize("size", [(90, 120), (70, 93), (30, 40)])
def test_resize_rounds_to_the_nearest_level(size: tuple[int, int]) -> None:
    # OpenCV's own bilinear scaling is an eighth of a level too dark.
    frame = smooth_frames(1, height=128, width=170)[0]
    exact = cv2.resize(frame.astype(np.float64), size[::-1], interpolation=3 if size[0] < 64 else 1)
    difference = resize(frame, *size) - exact
    assert np.abs(difference).max() < 0.55
    assert abs(difference.mean()) < 0.03


def test_resize_leaves_other_uses_of_opencv_alone() -> None:
    frame = smooth_frames(1, height=128, width=170)[0]
    for before in (False, True):
        cv2.ipp.setUseIPP_NotExact(before)
        resize(frame, 90, 120)
        with pytest.raises(cv2.error):
            resize(np.zeros((0, 4, 3), np.uint8), 90, 120)
        assert cv2.ipp.useIPP_NotExact() == before
    cv2.ipp.setUseIPP_NotExact(False)


@pytest.mark.parametrize("side", [8, 20, 47, 64, 107, 112, 128, 300])
def test_a_stack_is_resized_frame_by_frame(side: int) -> None:
    # Unlike neighbours, black beside white: what leaked from one into the other would show.
    frames = np.stack(
        [np.zeros((side, side + 9, 3), np.uint8), *smooth_frames(2, height=side, width=side + 9)]
    )
    frames[2] |= 128
    view = frames[:, :, 4 : 4 + side]
    got = resize_stack(view, np.empty((3, 112, 112, 3), np.uint8))
    expected = np.stack([resize(frame, 112, 112) for frame in view])
    assert np.abs(got.astype(int) - expected).max() <= 1
    assert (got[0] == 0).all()
