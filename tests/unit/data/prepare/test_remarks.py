"""Remarks on videos that are no errors."""

from __future__ import annotations

from stored_videos import stored

from vcc.data.prepare.remarks import remarks
from vcc.data.store.files import StoredVideo


def test_videos_as_they_should_be_get_no_remark() -> None:
    videos = [("a.avi", stored()), ("b.avi", stored(declared_frames=0))]
    assert remarks(videos, resampled=False) == []
    assert remarks([], resampled=False) == []


def test_each_kind_of_remark_is_counted_and_shown() -> None:
    videos = [
        ("a.avi", stored(cut="9 of 20 frames: broken", declared_frames=20)),
        ("b.avi", stored(declared_frames=12)),
        ("c.avi", stored(variable_rate=True)),
    ]
    assert remarks(videos, resampled=False) == [
        "videos cut or damaged and used as far as they came: 1: 'a.avi' (9 of 20 frames: broken)",
        "videos of fewer frames than declared: 1: 'b.avi' (9 of 12)",
        "videos of a variable frame rate, which keep their frames (fps=N goes by their times): 1: "
        "'c.avi'",
    ]
    # At one frame rate nothing is uneven any more.
    assert len(remarks(videos, resampled=True)) == 2


def test_five_are_shown_and_the_others_counted() -> None:
    videos: list[tuple[str, StoredVideo]] = [
        (f"{number}.avi", stored(variable_rate=True)) for number in range(7)
    ]
    (note,) = remarks(videos, resampled=False)
    assert note.endswith(": 7: '0.avi', '1.avi', '2.avi', '3.avi', '4.avi', and 2 more")
