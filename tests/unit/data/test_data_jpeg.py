"""Rows of a JPEG frame: the same pixels as of the whole frame, from a part of its bytes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from data_videos import smooth_frames

from vcc.data.jpeg import RowDecoder, decode_jpeg, encode_jpeg, read_layout


def encoded(height: int, width: int, *, seed: int = 0, quality: int = 90) -> bytes:
    frame = smooth_frames(1, height=height, width=width, seed=seed)[0]
    noise = np.random.default_rng(seed).integers(-20, 20, frame.shape)
    return encode_jpeg(np.clip(frame + noise, 0, 255).astype(np.uint8), quality).tobytes()


# Sizes that are and are not whole blocks; the last has more rows of blocks than marker numbers.
@pytest.mark.parametrize(("height", "width"), [(128, 170), (33, 47), (16, 16), (300, 40)])
def test_rows_equal_those_of_the_whole_frame(height: int, width: int) -> None:
    data = encoded(height, width)
    layout = read_layout(data)
    assert layout is not None
    assert (layout.strip, layout.count) == (16, -(-height // 16))
    whole = decode_jpeg(data)
    decoder = RowDecoder()
    edges = {0, 1, 15, 16, 17, 31, 32, 33, height // 2, height - 17, height - 1, height}
    for top in sorted(edges):
        for bottom in sorted(edges):
            if 0 <= top < bottom <= height:
                assert np.array_equal(decoder.rows(data, top, bottom), whole[top:bottom])


def test_only_the_strips_wanted_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def watched(data: bytes) -> np.ndarray:
        frame = decode_jpeg(data)
        seen.append((len(data), frame.shape[0]))
        return frame

    data = encoded(128, 170)
    monkeypatch.setattr("vcc.data.jpeg.decode_jpeg", watched)
    RowDecoder().rows(data, 40, 60)
    ((size, rows),) = seen
    # Rows 39 to 60 lie in the strips from 32 to 64.
    assert rows == 32
    assert size < 0.45 * len(data)


def test_images_of_other_making_are_decoded_whole() -> None:
    frame = smooth_frames(1, height=64, width=48)[0]
    for parameters in (
        [],
        [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 3],
        [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    ):
        data = cv2.imencode(".jpg", frame, parameters)[1].tobytes()
        assert read_layout(data) is None
        assert np.array_equal(RowDecoder().rows(data, 20, 30), decode_jpeg(data)[20:30])
    grey = cv2.imencode(".jpg", frame[:, :, 0], [cv2.IMWRITE_JPEG_RST_INTERVAL, 6])[1].tobytes()
    assert read_layout(grey) is None
    assert RowDecoder().rows(grey, 20, 30).shape == (10, 48, 3)


def test_a_decoder_follows_a_change_of_header() -> None:
    decoder = RowDecoder()
    for quality in (90, 60, 90):
        data = encoded(64, 48, quality=quality)
        assert np.array_equal(decoder.rows(data, 20, 30), decode_jpeg(data)[20:30])


def test_damage_is_a_value_error() -> None:
    data = encoded(64, 48)
    with pytest.raises(ValueError, match="not a JPEG image"):
        RowDecoder().rows(b"nothing of the kind", 0, 9)
    with pytest.raises(ValueError, match="breaks off in its rows from 16 on"):
        RowDecoder().rows(data[: data.find(b"\xff\xd1")], 0, 20)
    assert read_layout(b"") is None
    assert all(read_layout(data[:end]) is None for end in range(600))
