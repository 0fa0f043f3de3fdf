"""Whatever is wrong with a video, the message is the reason alone: one line without the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_videos import black_jpeg, motion_jpeg
from data_videos import smooth_frames, write_video

from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.reading import Reading
from vcc.data.decoding.source import open_source
from vcc.errors import DataError, VccError


def text_file(folder: Path) -> Path:
    (folder / "bad.avi").write_text("no video\n" * 50)
    return folder / "bad.avi"


def empty_file(folder: Path) -> Path:
    (folder / "bad.avi").touch()
    return folder / "bad.avi"


def empty_folder(folder: Path) -> Path:
    (folder / "bad").mkdir()
    return folder / "bad"


def broken_frames(folder: Path) -> Path:
    empty_folder(folder)
    (folder / "bad" / "image_00001.jpg").write_bytes(b"no JPEG")
    return folder / "bad"


def cut_file(folder: Path) -> Path:
    path = write_video(folder / "bad.avi", smooth_frames(20))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 4])
    return path


def huge_frames(folder: Path) -> Path:
    data = motion_jpeg([black_jpeg(64, 64)] * 3, height=64, width=64)
    (folder / "bad.avi").write_bytes(data)
    return folder / "bad.avi"


@pytest.mark.parametrize(
    "make", [text_file, empty_file, empty_folder, broken_frames, cut_file, huge_frames]
)
def test_the_reason_stands_alone(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = make(tmp_path)
    with pytest.raises(BadVideoError) as caught:
        list(open_source(path, Reading(max_pixels=4000, min_decoded_share=0.9)).frames())
    said = str(caught.value)
    assert said
    assert "\n" not in said
    assert str(tmp_path) not in said
    # Whoever has no list for it reports it as any mistake in the data.
    assert isinstance(caught.value, DataError)
    assert isinstance(caught.value, VccError)
