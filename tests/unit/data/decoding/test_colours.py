"""Decoded pictures as frames: colours, turns, and formats that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from data_videos import smooth_frames
from decoded import read_video
from recordings import record

from vcc.data.decoding import colours
from vcc.data.decoding.colours import Pixels
from vcc.data.decoding.errors import BadVideoError


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
    monkeypatch.setattr(colours, "_turn_of", lambda _picture: (0, 0, 0, 0))
    rgb = smooth_frames(1, height=20, width=30)[0]
    frame = Pixels().frame(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
    assert np.array_equal(frame[..., ::-1], rgb)


def test_a_colour_matrix_that_cannot_be_converted_is_named() -> None:
    picture = av.VideoFrame(16, 16, "yuv444p")
    picture.colorspace = 8  # YCgCo
    with pytest.raises(BadVideoError, match=r"yuv444p and colour matrix 8 .* cannot be converted"):
        Pixels().frame(picture)


def truth(height: int, width: int) -> np.ndarray:
    """A smooth picture in RGB, whose colours change by few levels from pixel to pixel."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    waves = [
        np.sin(x / 14 + 0.3) * np.cos(y / 17),
        np.sin(x / 11 - y / 23),
        np.cos(y / 13 + x / 19),
    ]
    return 128 + 100 * np.stack(waves, -1)


def memory_of(plane: Any) -> np.ndarray:
    return np.frombuffer(plane, np.uint8)


def encoded(rgb: np.ndarray, pixels: str, *, centred: bool) -> av.VideoFrame:
    """Return RGB as a picture of fewer chroma samples by BT.601, computed here, limited range."""
    red, green, blue = np.moveaxis(rgb, -1, 0) / 255
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    scale = 4 if "10" in pixels else 1
    planes = [16 + 219 * luma]
    for chroma in ((blue - luma) / 1.772, (red - luma) / 1.402):
        rows = chroma if "422" in pixels else (chroma[::2] + chroma[1::2]) / 2
        across = (rows[:, ::2] + rows[:, 1::2]) / 2 if centred else rows[:, ::2]
        planes.append(128 + 224 * across)
    picture = av.VideoFrame(rgb.shape[1], rgb.shape[0], pixels)
    kind = np.uint16 if scale > 1 else np.uint8
    for values, plane in zip(planes, picture.planes, strict=True):
        memory = memory_of(plane).view(kind).reshape(-1, plane.line_size // np.dtype(kind).itemsize)
        memory[: values.shape[0], : values.shape[1]] = np.round(scale * values)
    return picture


@pytest.mark.parametrize("deep", ["yuv420p10le", "yuv422p10le"])
def test_8_and_10_bits_are_the_same_picture(deep: str) -> None:
    rgb = truth(96, 128)
    flat, fine = (
        Pixels().frame(encoded(rgb, pixels, centred=True))[..., ::-1].astype(float)
        for pixels in (deep.removesuffix("10le"), deep)
    )
    # Chroma is repeated, and not blended, as by the ffmpeg program: that is what is left.
    assert np.abs(flat - rgb).mean() < 2.5
    assert np.abs(fine - rgb).mean() < 2.5
    assert np.abs(flat - fine).mean() < 2


@pytest.mark.parametrize("deep", [False, True])
def test_the_stated_place_of_chroma_moves_no_colours(tmp_path: Path, deep: bool) -> None:
    # A stream of H.264 states that chroma lies to the left; one of FFV1 states nothing.
    if "libx264" not in av.codecs_available:
        pytest.skip("PyAV cannot write H.264 here")
    pixels = "yuv420p10le" if deep else "yuv420p"
    frames = truth(96, 128).round().astype(np.uint8)[None]
    stated, silent = (
        read_video(record(tmp_path / f"{codec}.mkv", frames, **how), 128)
        for codec, how in (
            ("libx264", {"codec": "libx264", "pixels": pixels, "options": {"qp": "0"}}),
            ("ffv1", {"codec": "ffv1", "pixels": pixels}),
        )
    )
    assert np.array_equal(stated, silent)


@pytest.mark.parametrize("name", ["rgb565be", "rgb555be", "bgr565be", "bgr555be"])
def test_big_endian_pixels_of_16_bits(name: str) -> None:
    # The 5 highest bits of 15 or 16 alone, in columns beside black ones.
    highest = 0x7C00 if "555" in name else 0xF800
    picture = av.VideoFrame(10, 6, name)
    picture.planes[0].update(bytes(picture.planes[0].buffer_size))
    memory_of(picture.planes[0]).view(">u2").reshape(6, -1)[:, 3:7] = highest
    frame = Pixels().frame(picture)
    expected = np.zeros((6, 10, 3), np.uint8)
    expected[:, 3:7, 0 if name.startswith("bgr") else 2] = 255
    assert np.array_equal(frame, expected)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_side_data_that_pyav_cannot_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotation: int
) -> None:
    path = record(tmp_path / "a.mkv", smooth_frames(1), rotation=rotation)
    with av.open(str(path)) as media:
        picture = next(media.decode(video=0))
    expected = Pixels().frame(picture)

    class Exif:
        """A picture that carries something that PyAV has no name for."""

        side_data = property(lambda _self: Type(31))
        rotation = picture.rotation

    turn = colours._turn_of(Exif())  # type: ignore[arg-type]
    monkeypatch.setattr(colours, "_turn_of", lambda _picture: turn)
    assert np.array_equal(Pixels().frame(picture), expected)
