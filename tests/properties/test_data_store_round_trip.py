"""The frame store gives back what was decoded, whatever the video; names stay apart."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from data_videos import smooth_frames, write_video
from decoded import read_video
from hypothesis import given, settings
from hypothesis import strategies as st

from vcc.data.annotations.names import safe_name
from vcc.data.clips.box import Box
from vcc.data.clips.scratch import Scratch
from vcc.data.prepare.convert import ConvertJob, convert
from vcc.data.store.frames import read_box, read_frames


def jpeg_round_trip(frame: np.ndarray) -> np.ndarray:
    """Return an RGB frame as JPEG of quality 95 gives it back, and no worse than JPEG is."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), quality)[1]
    again = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    # Sharp colour edges suffer most: chroma is stored at half the resolution.
    assert np.abs(again.astype(int) - frame).mean() < 16
    return again


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 20),
    height=st.integers(8, 30).map(lambda n: 2 * n),
    width=st.integers(8, 30).map(lambda n: 2 * n),
    short_side=st.integers(16, 64),
    kind=st.sampled_from(["raw", "packed", "jpg"]),
    data=st.data(),
)
def test_stored_frames_equal_the_decoded_ones(
    count: int, height: int, width: int, short_side: int, kind: str, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        source = write_video(root / "v.avi", smooth_frames(count, height=height, width=width))
        decoded = read_video(source, short_side)
        job = ConvertJob(
            number=0,
            source=source,
            target=root / "out" / "v",
            kind=kind,
            short_side=short_side,
            jpeg_quality=95,
        )
        stored = convert(job).stored
        assert stored is not None
        assert (stored.n_frames, stored.height, stored.width) == decoded.shape[:3]
        indices = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=10))
        shape = (stored.height, stored.width)
        got = np.stack(read_frames(job.target, kind, indices, shape=shape))
        expected = decoded[indices]
        if kind != "raw":
            expected = np.stack([jpeg_round_trip(frame) for frame in expected])
        assert np.array_equal(got, expected)
        side = data.draw(st.integers(1, min(shape)))
        top, left = (data.draw(st.integers(0, size - side)) for size in shape)
        place = Box(top, left, side)
        box = read_box(job.target, kind, indices, place, shape=shape, scratch=Scratch())
        assert box.shape == (len(indices), side, side, 4)
        assert np.array_equal(box[..., :3], got[:, top : top + side, left : left + side])


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_safe_names(first: str, second: str) -> None:
    name = safe_name(first)
    assert name.isascii()
    assert 0 < len(name) <= 200
    assert not name.startswith(".")
    assert not set(name) & set("/\\ '\"\n\0:*?<>|")
    assert (name == safe_name(second)) == (first == second)
