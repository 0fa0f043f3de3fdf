"""Each frame gets the label of its clip, and the frames stay a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from timelines import toy_timeline

from vcc.data.decoding.video_file import VideoFile
from vcc.pipeline.predict import annotate as module
from vcc.pipeline.predict.annotate import annotate, annotated_file, drawn


def grey(count: int) -> list[Any]:
    return [np.full((64, 96, 3), 128, np.uint8) for _ in range(count)]


def test_a_frame_has_the_label_of_its_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(module, "drawn", lambda frame, text: said.append(text) or frame)
    # A frame more than were classified belongs to the last clip.
    path = annotate(grey(9), toy_timeline(), annotated_file(tmp_path / "made", "sub/a.avi"))
    assert said == ["=walk 75%"] * 4 + ["run 88%"] * 5
    assert path == tmp_path / "made" / "sub" / "a.avi.mp4"
    video = VideoFile(path)
    assert len(list(video.frames())) == 9
    assert video.fps == 10
    assert [each.name for each in path.parent.iterdir()] == ["a.avi.mp4"]


@pytest.mark.parametrize("caption", ["run 88%", "a long name of a class " * 9, "走る 88%"])
def test_the_caption_fits_into_a_bar_at_the_top(caption: str) -> None:
    (frame,) = grey(1)
    picture = drawn(frame, caption)
    assert (frame == 128).all()
    changed = np.argwhere((picture != 128).any(axis=2))
    assert changed[:, 0].max() == 13
    # Letters are lighter than the bar.
    assert picture[:14].max() > 100
    assert (picture[14:] == 128).all()


def test_a_frame_smaller_than_a_bar_is_no_error() -> None:
    assert drawn(np.zeros((6, 8, 3), np.uint8), "run 88%").shape == (6, 8, 3)
