"""What is written is a video that is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_videos import smooth_frames

from vcc.data.decoding import writer
from vcc.data.decoding.video_file import VideoFile
from vcc.data.decoding.writer import writing_video
from vcc.errors import DataError


@pytest.mark.parametrize("codecs", [("libx264", "mpeg4"), ("mpeg4",)])
def test_frames_come_back(
    tmp_path: Path, codecs: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_CODECS", codecs)
    path = tmp_path / "made.mp4"
    # An odd column and row, which the encoder cannot take, are left out.
    frames = smooth_frames(7, height=65, width=97)
    with writing_video(path, fps=12.5) as video:
        for frame in frames:
            video.write(frame)
    read = VideoFile(path)
    found = np.stack(list(read.frames()))
    assert found.shape == (7, 64, 96, 3)
    assert read.fps == 12.5
    assert not read.cut
    assert np.abs(found.astype(float) - frames[:, :64, :96]).mean() < 12


def test_a_rate_that_nobody_knows_is_the_usual_one(tmp_path: Path) -> None:
    path = tmp_path / "made.mp4"
    with writing_video(path, fps=0) as video:
        for frame in smooth_frames(3, height=32, width=32):
            video.write(frame)
    assert VideoFile(path).fps == 25


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "made.mp4"
    (frame,) = smooth_frames(1, height=32, width=32)
    # FFmpeg opens the file with the first frame.
    with (
        pytest.raises(DataError, match="made.mp4: cannot be written: .*: make room"),
        writing_video(path, fps=25) as video,
    ):
        video.write(frame)
