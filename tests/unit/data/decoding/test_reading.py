"""How a video is read where nobody says otherwise, and what the options make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bad_videos import black_jpeg, motion_jpeg
from data_videos import smooth_frames, write_video

from vcc.config.data import PrepareOptions
from vcc.config.serving import ServingOptions
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.reading import AS_RECORDED, Reading
from vcc.data.decoding.source import open_source


def test_a_video_is_read_as_it_was_recorded(tmp_path: Path) -> None:
    frames = smooth_frames(7)
    path = write_video(tmp_path / "a.avi", frames, fps=12.5)
    shown = np.stack(list(open_source(path, AS_RECORDED).frames()))[..., ::-1]
    np.testing.assert_array_equal(shown, frames)
    assert Reading() == AS_RECORDED


def test_no_picture_is_too_large_unless_somebody_says_so(tmp_path: Path) -> None:
    path = tmp_path / "large.avi"
    path.write_bytes(motion_jpeg([black_jpeg(500, 2000)] * 2, height=500, width=2000))
    assert len(list(open_source(path, AS_RECORDED).frames())) == 2
    with pytest.raises(BadVideoError, match="frames too large: 2000x500 pixels, at most 0.9 mill"):
        open_source(path, Reading(max_pixels=900_000.0))


def test_prepare_and_serving_take_as_much_of_a_damaged_file() -> None:
    shares = {PrepareOptions().min_decoded_share, ServingOptions().min_decoded_share}
    assert shares == {AS_RECORDED.min_decoded_share}
    assert PrepareOptions().fps == AS_RECORDED.fps
