"""Scores over time are looked for only where they are asked for, and checked before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from data_videos import smooth_frames
from timelines import toy_timeline

from vcc.config.entrypoints import PredictEntry
from vcc.errors import ConfigError
from vcc.pipeline.predict.over_time import (
    check_over_time,
    classify_over_time,
    looks_over_time,
    write_over_time,
)
from vcc.tracking.video_classifier import Timeline


class Classifier:
    """Says the same of every video of six frames."""

    def timeline(self, path: Path) -> Timeline:
        return toy_timeline()

    def frames(self, path: Path) -> Iterator[Any]:
        yield from smooth_frames(6)


def test_it_is_asked_for_by_either_option(tmp_path: Path) -> None:
    assert not looks_over_time(PredictEntry())
    assert looks_over_time(PredictEntry(timeline=True))
    assert looks_over_time(PredictEntry(annotate=tmp_path))


def test_options_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    def check(**words: Any) -> None:
        check_over_time(PredictEntry(**words), tmp_path / "videos")

    check(n_clips=2)
    with pytest.raises(ConfigError, match="n_clips: timeline and annotate look at all clips"):
        check(n_clips=2, timeline=True)
    with pytest.raises(ConfigError, match="annotate: .* lies in .*: name another folder"):
        check(annotate=tmp_path / "videos" / "made")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="annotate: .* cannot be made: Not a directory"):
        check(annotate=tmp_path / "file" / "made")


def test_a_video_is_written_again_where_that_is_asked_for(tmp_path: Path) -> None:
    toy: Any = Classifier()
    classify_over_time(toy, tmp_path / "a.avi", "a.avi", PredictEntry(timeline=True))
    assert not list(tmp_path.iterdir())
    classify_over_time(toy, tmp_path / "a.avi", "a.avi", PredictEntry(annotate=tmp_path / "made"))
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["a.avi.mp4"]


def test_what_was_written_is_logged_and_told(tmp_path: Path, run: Any) -> None:
    output, folder = tmp_path / "out.csv", tmp_path / "made"
    found = {"a.avi": toy_timeline()}
    assert write_over_time(found, PredictEntry(output=output, annotate=folder), run) == [folder]
    assert run.files == []
    options = PredictEntry(output=output, annotate=folder, timeline=True)
    *written, last = write_over_time(found, options, run)
    assert [path.name for path in written] == [
        "out.timeline.csv", "out.timeline.json", "out.timeline",
    ]  # fmt: skip
    assert last == folder
    assert run.files == ["out.timeline.csv", "out.timeline.json", "out.timeline/a.avi.png"]
