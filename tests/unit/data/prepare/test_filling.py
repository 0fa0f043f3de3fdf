"""Filling the store: what came of each planned video, and errors that end the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from stored_videos import stored

from vcc.config.data import PrepareOptions
from vcc.data.annotations.annotation import Entry
from vcc.data.prepare.convert import ConvertJob, ConvertResult
from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.filling import fill_store
from vcc.data.prepare.plan import Plan, PlannedVideo, name_below
from vcc.errors import DataError

VIDEOS = Path("/videos")
PLAN = Plan(
    ("run", "walk"),
    "split1",
    tuple(
        PlannedVideo(VIDEOS / label / f"{label}.avi", Entry(f"{label} 1", label, "train", None))
        for label in ("run", "walk")
    ),
    (BadFile("old", "empty file"),),
    (),
)


def fill(monkeypatch: pytest.MonkeyPatch, *results: ConvertResult | BaseException) -> object:
    """Fill a store where the workers give these results, last first."""

    def convert_all(_: object, jobs: list[ConvertJob]) -> Iterator[ConvertResult]:
        seen.extend(jobs)
        for result in reversed(results):
            if isinstance(result, BaseException):
                raise result
            yield result

    seen: list[ConvertJob] = []
    monkeypatch.setattr("vcc.data.prepare.filling.convert_all", convert_all)
    options = PrepareOptions(videos=VIDEOS, short_side=64, fps=5.0)
    return (*fill_store(options, PLAN, Path("/out"), "packed", videos=VIDEOS), seen)


def done(number: int, **changes: object) -> ConvertResult:
    return ConvertResult(number=number, stored=stored(**changes))


def test_jobs_are_as_the_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    *_, jobs = fill(monkeypatch, done(0), done(1))  # type: ignore[misc]
    assert [job.source for job in jobs] == [VIDEOS / "run/run.avi", VIDEOS / "walk/walk.avi"]
    assert jobs[0].target == Path("/out/frames/run/run%201.vcf")
    assert (jobs[0].kind, jobs[0].short_side, jobs[0].reading.fps) == ("packed", 64, 5.0)


def test_results_come_in_the_order_of_the_plan(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cut = ConvertResult(number=1, stored=stored(cut="9 of 20 frames"), reused=True)
    with caplog.at_level(logging.WARNING):
        kept, bad, reused, _ = fill(monkeypatch, done(0), cut)  # type: ignore[misc]
    assert [item.name for item in kept] == ["run/run.avi", "walk/walk.avi"]
    assert kept[1].file == Path("frames/walk/walk%201.vcf")
    assert (bad, reused) == ([BadFile("old", "empty file")], 1)
    assert "walk.avi: cut or damaged: 9 of 20 frames" in caplog.text


def test_a_bad_video_is_listed_and_the_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = ConvertResult(number=0, stored=None, reason="zero frames")
    kept, bad, _, _ = fill(monkeypatch, failed, done(1))  # type: ignore[misc]
    assert [item.name for item in kept] == ["walk/walk.avi"]
    assert bad[1:] == [BadFile("run/run.avi", "zero frames")]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device"), r"cannot write the store \(No space left on de"),
        (OSError("odd"), r"cannot write the store \(odd\)"),
        (BrokenProcessPool("ended\nabruptly"), r"worker process was killed \(ended abruptly\); wi"),
    ],
)
def test_what_ends_the_run_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        fill(monkeypatch, error, done(1))
    assert str(caught.value).endswith("then run again to continue")


def test_a_file_is_named_below_the_folder_of_videos() -> None:
    assert name_below(Path("/videos/a/b.avi"), VIDEOS) == "a/b.avi"
