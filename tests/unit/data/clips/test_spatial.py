"""Training crops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from data_videos import smooth_frames

from vcc.config.data import ClipOptions
from vcc.data.clips.box import Box
from vcc.data.clips.spatial import (
    TrainTransform,
    centre_box,
    corner_box,
    crop_scales,
    random_box,
)


def transformed(frames: np.ndarray, *, seed: int = 0, flip: bool = False, **options: Any) -> Any:
    settings = ClipOptions(sample_size=16, sample_duration=len(frames), **options)
    clip = np.zeros((3, len(frames), 16, 16), np.uint8)
    write(TrainTransform(settings, flip=flip), frames, clip, seed=seed)
    return clip


def write(transform: TrainTransform, frames: np.ndarray, clip: np.ndarray, *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    crop = transform.draw(frames.shape[1], frames.shape[2], rng)
    box = crop.box
    shown = frames[:, box.top : box.top + box.side, box.left : box.left + box.side]
    transform.write_clip(np.ascontiguousarray(shown), clip, rng, flipped=crop.flipped)


def test_scales() -> None:
    # The step is the fourth root of a half: five scales from 1 to a half.
    assert crop_scales(ClipOptions()) == pytest.approx([1.0, 0.8409, 0.7071, 0.5946, 0.5], abs=1e-4)
    assert crop_scales(ClipOptions(initial_scale=0.8, n_scales=1)) == [0.8]


def test_corner_boxes() -> None:
    # 100 * 0.71 = 71; in the middle 70, an even number, around row 50 and column 75.
    assert corner_box(100, 150, share=0.71, position="c") == Box(15, 40, 70)
    assert corner_box(100, 150, share=0.71, position="tl") == Box(0, 0, 71)
    assert corner_box(100, 150, share=0.71, position="br") == Box(29, 79, 71)
    assert corner_box(1, 1, share=0.5, position="c") == Box(0, 0, 1)
    assert centre_box(100, 150) == Box(0, 25, 100)


def test_random_boxes_reach_both_ends() -> None:
    rng = np.random.default_rng(0)
    boxes = [random_box(8, 12, rng, share=0.5) for _ in range(500)]
    assert {box.side for box in boxes} == {4}
    assert {box.top for box in boxes} == set(range(5))
    assert {box.left for box in boxes} == set(range(9))


@pytest.mark.parametrize("crop", ["random", "corner", "multiscale_random", "center"])
def test_all_frames_of_a_clip_get_the_same_crop(crop: str) -> None:
    frames = np.repeat(smooth_frames(1, height=40, width=60), 5, axis=0)
    clip = transformed(frames, train_crop=crop, flip=True, seed=3)
    assert (clip == clip[:, :1]).all()
    assert np.array_equal(clip, transformed(frames, train_crop=crop, flip=True, seed=3))


def test_random_crop_is_seven_eighths_of_the_short_side() -> None:
    # A short side of 128 for clips of 112: the crop needs no scaling, so rows differ by one.
    frame = np.zeros((1, 128, 160, 3), np.uint8)
    frame[..., 0] = np.arange(128)[:, None]
    clip = np.zeros((3, 1, 112, 112), np.uint8)
    write(TrainTransform(ClipOptions(sample_duration=1), flip=False), frame, clip, seed=0)
    assert set(np.diff(clip[0, 0, :, 0].astype(int))) == {1}


def test_flips_are_half_of_the_clips_and_only_where_allowed() -> None:
    frame = np.zeros((1, 16, 16, 3), np.uint8)
    frame[..., 0] = np.arange(16)
    plain = frame[0, :, :, 0]

    def flipped(**options: Any) -> int:
        clips = [transformed(frame, seed=s, train_crop="center", **options) for s in range(100)]
        assert all(
            np.array_equal(c[0, 0], plain) or np.array_equal(c[0, 0], plain[:, ::-1]) for c in clips
        )
        return sum(np.array_equal(c[0, 0], plain[:, ::-1]) for c in clips)

    assert 30 < flipped(flip=True) < 70
    assert flipped(flip=False) == 0
    assert flipped(flip=True, no_hflip=True) == 0


def test_augmentation_reaches_the_clip() -> None:
    frames = smooth_frames(3, height=16, width=16)
    plain = transformed(frames, train_crop="center")
    assert not np.array_equal(plain, transformed(frames, train_crop="center", brightness=0.9))
