"""A box of a JPEG frame: the same pixels as of the whole frame, from a part of its bytes."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from data_videos import smooth_frames

from vcc.data.clips.box import Box
from vcc.data.store.jpeg import decode_boxes, decode_jpeg, encode_jpeg, read_layout


def picture(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    frame = smooth_frames(1, height=height, width=width, seed=seed)[0]
    noise = np.random.default_rng(seed).integers(-20, 20, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def encoded(height: int, width: int, *, seed: int = 0, quality: int = 90) -> bytes:
    return encode_jpeg(picture(height, width, seed=seed), quality).tobytes()


def part(frame: np.ndarray, box: Box) -> np.ndarray:
    return frame[box.top : box.top + box.side, box.left : box.left + box.side]


def boxes(height: int, width: int) -> list[Box]:
    """Return boxes whose edges lie on, beside and between those of blocks and of the image."""
    least = min(height, width)
    return [
        Box(top, left, side)
        for side in {1, 2, 15, 16, 17, 32, 33, least // 2, least - 1, least}
        for top in {0, 1, 15, 16, 17, (height - side) // 2, height - side - 1, height - side}
        for left in {0, 1, 14, 15, 16, 17, (width - side) // 2, width - side - 1, width - side}
        if 0 <= top <= height - side and 0 <= left <= width - side and 0 < side <= least
    ]


# Sizes that are and are not whole blocks; last columns of one and of three pixels; fewer pixels
# than a block; more blocks than marker numbers.
@pytest.mark.parametrize(
    ("height", "width"), [(128, 170), (33, 47), (48, 51), (48, 129), (16, 16), (30, 3), (300, 40)]
)
def test_boxes_equal_those_of_the_whole_frame(height: int, width: int) -> None:
    data = encoded(height, width)
    layout = read_layout(data)
    assert layout is not None
    assert layout.grid == (-(-height // 16), -(-width // 16))
    whole = decode_jpeg(data)
    tried = boxes(height, width)
    assert len(tried) > 3
    for box in tried:
        (decoded,) = decode_boxes([data], box)
        assert np.array_equal(decoded, part(whole, box)), box


@pytest.mark.parametrize("interval", [1, 2, 3, 6])
@pytest.mark.parametrize("sampling", [0x411111, 0x221111, 0x211111, 0x111111])
def test_other_segments_and_samplings_give_the_same_pixels(interval: int, sampling: int) -> None:
    parameters = [cv2.IMWRITE_JPEG_RST_INTERVAL, interval]
    parameters += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    data = cv2.imencode(".jpg", picture(60, 96), parameters)[1].tobytes()
    whole = decode_jpeg(data)
    for box in boxes(60, 96):
        (decoded,) = decode_boxes([data], box)
        assert np.array_equal(decoded, part(whole, box)), box


def test_only_the_blocks_wanted_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, tuple[int, ...]]] = []

    def watched(data: bytes) -> np.ndarray:
        frame = decode_jpeg(data)
        seen.append((len(data), frame.shape[:2]))
        return frame

    images = [encoded(128, 170, seed=seed) for seed in range(3)]
    monkeypatch.setattr("vcc.data.store.jpeg.decode_jpeg", watched)
    assert len(list(decode_boxes(images, Box(40, 60, 20)))) == 3
    # Rows 39 to 60 lie in the blocks from 32 to 64, columns 59 to 80 in those from 48 to 96.
    for (size, shape), image in zip(seen, images, strict=True):
        assert shape == (61 - 32, 81 - 48)
        assert size < 0.25 * len(image)


def test_images_of_other_making_are_decoded_whole() -> None:
    frame, box = smooth_frames(1, height=64, width=48)[0], Box(20, 5, 10)
    for parameters in (
        [],
        [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 3],
        [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    ):
        data = cv2.imencode(".jpg", frame, parameters)[1].tobytes()
        assert read_layout(data) is None
        (decoded,) = decode_boxes([data], box)
        assert np.array_equal(decoded, part(decode_jpeg(data), box))
    grey = cv2.imencode(".jpg", frame[:, :, 0], [cv2.IMWRITE_JPEG_RST_INTERVAL, 6])[1].tobytes()
    assert read_layout(grey) is None
    assert next(decode_boxes([grey], box)).shape == (10, 10, 3)


def test_headers_may_differ() -> None:
    box = Box(20, 5, 10)
    images = [encoded(64, 48, quality=quality) for quality in (90, 60, 90)]
    for decoded, image in itertools.zip_longest(decode_boxes(images, box), images):
        assert np.array_equal(decoded, part(decode_jpeg(image), box))


def test_damage_is_a_value_error() -> None:
    box, data = Box(0, 0, 20), encoded(64, 48)
    with pytest.raises(ValueError, match="not a JPEG image"):
        next(decode_boxes([b"nothing of the kind"], box))
    # Three blocks in a row: the fifth ends in the second row.
    cut = data[: data.find(b"\xff\xd5")]
    with pytest.raises(ValueError, match="breaks off in its rows from 16 on"):
        next(decode_boxes([cut], box))
    with pytest.raises(ValueError, match="breaks off in its rows from 16 on"):
        next(decode_boxes([data, cut, data], box))
    assert read_layout(b"") is None
    assert all(read_layout(data[:end]) is None for end in range(600))
