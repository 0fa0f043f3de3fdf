"""Decoded pictures as frames: colours, turns, and formats that are none."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from data_videos import smooth_frames
from decoded import read_video
from recordings import record

from vcc.data.decoding import pixels
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.pixels import Pixels


def test_a_frame_is_blue_green_red() -> None:
    rgb = smooth_frames(1, height=20, width=30)[0]
    frame = Pixels().frame(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
    assert frame.dtype == np.uint8
    assert np.array_equal(frame[..., ::-1], rgb)


@pytest.mark.parametrize("width", [17, 30, 33])
def test_padded_rows_are_cut(width: int) -> None:
    rgb = smooth_frames(1, height=19, width=width)[0]
    picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    assert np.array_equal(Pixels().frame(picture)[..., ::-1], rgb)


def test_the_stated_range_is_used() -> None:
    # The darkest level of the limited range is black; of the full one it is not.
    picture = av.VideoFrame(16, 16, "gray8")
    picture.planes[0].update(bytes([16]) * picture.planes[0].buffer_size)
    yuv = picture.reformat(format="yuv420p", src_color_range=2, dst_color_range=2)
    levels = {}
    for name, number in (("limited", 1), ("full", 2)):
        yuv.color_range = number
        levels[name] = int(Pixels().frame(yuv).mean())
    assert levels["limited"] == 0
    assert levels["full"] == pytest.approx(16, abs=1)


@pytest.mark.parametrize(("rotation", "turns"), [(0, 0), (90, 1), (180, 2), (270, 3)])
def test_a_turned_recording_is_set_upright(tmp_path: Path, rotation: int, turns: int) -> None:
    frames = smooth_frames(3, height=32, width=48)
    path = record(tmp_path / "a.mkv", frames, rotation=rotation)
    got = read_video(path, 64)
    expected = np.rot90(frames, turns, axes=(1, 2))
    assert got.shape == expected.shape
    assert np.abs(got.astype(int) - expected).mean() < 6


def test_a_format_that_cannot_be_converted_is_named() -> None:
    # Pictures in the memory of an accelerator have no pixels that can be read.
    picture = av.VideoFrame(0, 0, "vaapi")
    with pytest.raises(BadVideoError, match="cannot be converted"):
        Pixels().frame(picture)


def test_a_display_matrix_of_zeros_turns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "_turn_of", lambda _picture: (0, 0, 0, 0))
    rgb = smooth_frames(1, height=20, width=30)[0]
    frame = Pixels().frame(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
    assert np.array_equal(frame[..., ::-1], rgb)


def test_a_colour_matrix_that_cannot_be_converted_is_named() -> None:
    picture = av.VideoFrame(16, 16, "yuv444p")
    picture.colorspace = 8  # YCgCo
    with pytest.raises(BadVideoError, match=r"yuv444p and colour matrix 8 .* cannot be converted"):
        Pixels().frame(picture)
