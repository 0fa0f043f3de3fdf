"""Frames of a video whatever its form, scaled as they come."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from data_videos import smooth_frames, write_video
from decoded import read_video

from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.frame_folder import FrameFolder
from vcc.data.decoding.source import open_source, shrunk_frames
from vcc.data.decoding.video_file import VideoFile


class Stream:
    """Frames of the sizes given, as a file has whose resolution changes."""

    fps = 25.0
    declared = 0

    def __init__(self, *sizes: tuple[int, int]) -> None:
        self._sizes = sizes

    def frames(self):  # type: ignore[no-untyped-def]
        return iter([np.zeros((*size, 3), np.uint8) for size in self._sizes])


def test_a_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", smooth_frames(2))
    (tmp_path / "a").mkdir()
    cv2.imwrite(str(tmp_path / "a" / "image_00001.jpg"), smooth_frames(1)[0])
    assert isinstance(open_source(video), VideoFile)
    assert isinstance(open_source(tmp_path / "a"), FrameFolder)


def test_frames_get_the_size_of_the_first() -> None:
    shapes = [frame.shape for frame in shrunk_frames(Stream((40, 60), (80, 60), (20, 30)), 20)]
    assert shapes == [(20, 30, 3)] * 3


def test_small_frames_stay_as_they_are() -> None:
    assert [frame.shape for frame in shrunk_frames(Stream((10, 14)), 20)] == [(10, 14, 3)]
    assert not list(shrunk_frames(Stream(), 20))


def test_real_clips(shared: Path) -> None:
    videos = shared / "videos"
    clip = videos / "ucf101" / "ApplyEyeMakeup" / "v_ApplyEyeMakeup_g01_c01.avi"
    assert read_video(clip, 128).shape == (164, 128, 170, 3)
    assert read_video(videos / "misc" / "test.mp4", 64, max_frames=5).shape == (5, 64, 85, 3)
    assert read_video(videos / "misc" / "arm_wrestling.mp4", 512, max_frames=1).shape == (
        1,
        256,
        340,
        3,
    )


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(BadVideoError, match="^not a readable video"):
        read_video(tmp_path / "text.mp4", 128)
