"""The evaluation protocol against crops and windows worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from data_videos import smooth_frames

from vcc.config.data import ClipOptions
from vcc.data.clips.protocol import ClipProtocol, crop_corner
from vcc.errors import DataError


def numbered(height: int, width: int) -> np.ndarray:
    """One frame whose red is the row, green the column and blue 7."""
    frame = np.zeros((1, height, width, 3), np.uint8)
    frame[..., 0] = np.arange(height)[:, None]
    frame[..., 1] = np.arange(width)
    frame[..., 2] = 7
    return frame


@pytest.mark.parametrize(
    ("position", "top", "left"),
    [("c", 0, 5), ("tl", 0, 0), ("tr", 0, 10), ("bl", 0, 0), ("br", 0, 10)],
)
def test_crop_positions_without_scaling(position: str, top: int, left: int) -> None:
    protocol = ClipProtocol(20, 1, crop_position_in_test=position)
    clip = protocol.clips(numbered(20, 30))
    assert clip.shape == (1, 3, 1, 20, 20)
    assert clip.dtype == torch.uint8
    assert clip[0, 0, 0, :, 0].tolist() == list(range(top, top + 20))
    assert clip[0, 1, 0, 0].tolist() == list(range(left, left + 20))
    assert clip[0, 2].unique().tolist() == [7]


def test_scale_in_test_enlarges_before_the_crop() -> None:
    # The short side 40 stays 40 = 20 / 0.5, and the middle 20 of it is cut out.
    clip = ClipProtocol(20, 1, scale_in_test=0.5).clips(numbered(40, 60))
    assert clip[0, 0, 0, :, 0].tolist() == list(range(10, 30))
    assert clip[0, 1, 0, 0].tolist() == list(range(20, 40))


def test_corners() -> None:
    assert crop_corner(30, 50, 20, position="c") == (5, 15)
    # Rounded half to even, as Python does in the thesis: (25 - 20) / 2 = 2.5.
    assert crop_corner(25, 27, 20, position="c") == (2, 4)
    assert crop_corner(30, 50, 20, position="bl") == (10, 0)
    assert crop_corner(30, 50, 20, position="tr") == (0, 30)


def test_windows_follow_one_another_and_the_last_loops() -> None:
    protocol = ClipProtocol(8, 4)
    assert protocol.clip_indices(10).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 8, 9]]
    strided = ClipProtocol(8, 4, downsample=2)
    assert strided.clip_indices(10).tolist() == [[0, 2, 4, 6], [8, 8, 8, 8]]


def test_clips_are_the_frames_of_the_windows() -> None:
    frames = smooth_frames(10, height=8, width=8)
    clips = ClipProtocol(8, 4).clips(frames)
    assert clips.shape == (3, 3, 4, 8, 8)
    assert clips.is_contiguous()
    expected = torch.from_numpy(frames[[8, 9, 8, 9]]).permute(3, 0, 1, 2)
    assert torch.equal(clips[2], expected)


def test_small_frames_are_enlarged() -> None:
    assert ClipProtocol(32, 2).clips(smooth_frames(2, height=12, width=16)).shape[-2:] == (32, 32)


def test_bad_frames_and_settings() -> None:
    protocol = ClipProtocol(8, 4)
    wrong = [
        np.zeros((2, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 3)),
        np.zeros((0, 8, 8, 3), np.uint8),
    ]
    for frames in wrong:
        with pytest.raises(DataError, match=r"give the video as uint8 \[F, H, W, 3\]"):
            protocol.clips(frames)
    with pytest.raises(DataError, match="no position 'x'"):
        ClipProtocol(8, 4, crop_position_in_test="x")
    with pytest.raises(DataError, match="sizes must be 1 or more"):
        ClipProtocol(0, 4)
    with pytest.raises(DataError, match="scale_in_test"):
        ClipProtocol(8, 4, scale_in_test=0.0)


def test_digest_tells_every_field() -> None:
    protocol = ClipProtocol(112, 16)
    changes = {
        "sample_size": 64,
        "sample_duration": 8,
        "downsample": 2,
        "scale_in_test": 0.9,
        "crop_position_in_test": "tl",
    }
    digests = {dataclasses.replace(protocol, **{k: v}).digest for k, v in changes.items()}
    assert len(digests | {protocol.digest}) == 6
    assert set(protocol.as_dict()) == set(changes)
    assert ClipProtocol(**protocol.as_dict()).digest == protocol.digest
    assert ClipProtocol.from_options(ClipOptions()) == protocol


def test_clips_are_told_and_counted() -> None:
    protocol = ClipProtocol(112, 8, downsample=2)
    assert protocol.text == "8x112x112 stride 2"
    assert ClipProtocol(112, 16).text == "16x112x112"
    # windows of 16 frames: 1, 1 and 3
    assert protocol.mean_clips([1, 16, 33]) == pytest.approx(5 / 3)
    assert protocol.mean_clips([]) == 0
    lengths = (1, 15, 16, 17, 100)
    assert protocol.mean_clips(lengths) == np.mean([len(protocol.clip_indices(n)) for n in lengths])


def test_a_view_is_what_is_seen_of_a_frame_whatever_the_clip() -> None:
    view = ClipProtocol(112, 16).view
    assert ClipProtocol(64, 8, downsample=2).view == view
    assert ClipProtocol(112, 16, scale_in_test=0.9).view != view
    assert ClipProtocol(112, 16, crop_position_in_test="tl").view != view
