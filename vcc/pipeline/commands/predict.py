"""The predict command: labels for video files, from a registered model or an exported file."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vcc.cli import say
from vcc.config.entrypoints import PredictEntry
from vcc.config.serving import ServingOptions
from vcc.data.decoding.errors import BadVideoError
from vcc.data.machine import usable_cores
from vcc.data.prepare.discovery import find_videos
from vcc.errors import ConfigError, DataError
from vcc.files import replacing
from vcc.pipeline.notes import predicted_note
from vcc.pipeline.predict.over_time import (
    check_over_time,
    classify_over_time,
    looks_over_time,
    write_over_time,
)
from vcc.spreadsheet import CsvWriter
from vcc.tracking.registry import get_version
from vcc.tracking.runs import connect, open_run
from vcc.tracking.versions_together import (
    CHAMPION,
    download_graph,
    graph_version,
    only_name_with,
    version_by,
)
from vcc.tracking.video_classifier import Timeline, VideoClassifier

_logger = logging.getLogger(__name__)

_FORMATS = (".csv", ".json")
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class FilePrediction:
    """What came of one file.

    Attributes:
        video: its path below the folder that was given.
        best: (label, score), the highest first; empty for a bad video.
        clips: how many clips that is the mean of.
        timeline: what was said of each clip, where that is asked for.
        error: why it could not be classified; empty otherwise.
    """

    video: str
    best: Sequence[tuple[str, float]] = ()
    clips: int = 0
    timeline: Timeline | None = None
    error: str = ""


def run_predict(options: PredictEntry) -> None:
    """Classify videos and write what came out; bad ones are reported and passed over.

    Raises:
        ConfigError: no videos are named, or the output is no csv or json file that can be written,
            or options contradict each other.
        DataError: the folder holds no video, or not a single one can be read.
    """
    if options.videos is None:
        msg = "videos: needed: a video file or a folder of them"
        raise ConfigError(msg)
    _check_output(options.output)
    check_over_time(options, options.videos)
    files = _files(options.videos)
    connect()
    name = options.run_name or f"predict {options.videos.name}"
    with (
        open_run(name, step="predict", options=options) as run,
        _graph(options.source) as (graph, source),
    ):
        classifier = VideoClassifier(
            graph,
            provider=options.provider,
            threads=options.threads,
            limits=options.pick(ServingOptions),
        )
        started = time.monotonic()
        found = _classify_all(classifier, files, options)
        seconds = time.monotonic() - started
        _write(options.output, found, source=source)
        bad = [each for each in found if each.error]
        run.set_tags({"source": source, "runtime": classifier.runtime})
        run.log_metrics({"videos": len(found), "videos_bad": len(bad), "seconds": seconds})
        run.log_file(options.output)
        timelines = {each.video: each.timeline for each in found if each.timeline is not None}
        written = write_over_time(timelines, options, run)
        run.describe(
            predicted_note(
                source, classifier.runtime, videos=len(found), bad=len(bad), seconds=seconds
            )
        )
        _report(options, found, bad, source=source, seconds=seconds)
        for path in written:
            say(f"wrote {path.resolve()}")
        if len(bad) == len(found):
            msg = f"{options.videos}: none of {len(found)} videos could be classified"
            raise DataError(msg)


def _check_output(path: Path) -> None:
    # Before hours of work, not after them.
    if path.suffix.lower() not in _FORMATS or path.is_dir():
        msg = f"output: {path} must be a file that ends in .csv or .json"
        raise ConfigError(msg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        msg = f"output: {path} cannot be written: {error.strerror}"
        raise ConfigError(msg) from None


def _files(videos: Path) -> dict[str, Path | str]:
    """Return name -> path, or the reason why it must not be read."""
    if videos.is_file():
        return {videos.name: videos}
    found = find_videos(videos)
    for note in found.notes():
        say(note)
    files: dict[str, Path | str] = {
        video.path.relative_to(videos).as_posix(): video.path for video in found.videos
    }
    return {**files, **{item.name: item.reason for item in found.bad}}


@contextlib.contextmanager
def _graph(source: str | None) -> Iterator[tuple[Path, str]]:
    if source is not None and not source.startswith("models:/"):
        yield Path(source), source
        return
    version = (
        get_version(source)
        if source
        else version_by(only_name_with(CHAMPION, option="source"), CHAMPION)
    )
    with tempfile.TemporaryDirectory() as folder:
        yield download_graph(version, into=Path(folder)), graph_version(version).uri


def _classify_all(
    classifier: VideoClassifier, files: Mapping[str, Path | str], options: PredictEntry
) -> list[FilePrediction]:
    # Some decode while one is in the runtime; the classifier sees to memory and turns.
    with ThreadPoolExecutor(usable_cores()) as pool:
        found = pool.map(
            lambda item: _classify(classifier, item[1], item[0], options), files.items()
        )
        bar = tqdm(found, total=len(files), desc="predict", unit="video", leave=False, disable=None)
        try:
            return list(bar)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _classify(
    classifier: VideoClassifier, path: Path | str, name: str, options: PredictEntry
) -> FilePrediction:
    if isinstance(path, str):
        return FilePrediction(video=name, error=path)
    timeline = None
    try:
        if looks_over_time(options):
            timeline = classify_over_time(classifier, path, name, options)
            found = timeline.prediction()
        else:
            found = classifier.classify(path, n_clips=options.n_clips)
    except BadVideoError as error:
        return FilePrediction(video=name, error=str(error))
    return FilePrediction(
        video=name,
        best=found.best(options.top_k),
        clips=found.clips,
        timeline=timeline if options.timeline else None,
    )


def _write(path: Path, found: Sequence[FilePrediction], *, source: str) -> None:
    with replacing(path) as partial:
        if path.suffix.lower() == ".json":
            partial.write_text(json.dumps(_as_json(found, source), indent=1) + "\n", "utf-8")
        else:
            _write_csv(partial, found)


def _as_json(found: Sequence[FilePrediction], source: str) -> dict[str, Any]:
    # `results` is what evaluation writes to val.json.
    results = {
        each.video: [{"label": label, "score": score} for label, score in each.best]
        for each in found
        if not each.error
    }
    errors = {each.video: each.error for each in found if each.error}
    return {"source": source, "results": results, "errors": errors}


def _write_csv(path: Path, found: Sequence[FilePrediction]) -> None:
    columns = max((len(each.best) for each in found), default=0)
    header = ["video", "clips"]
    for rank in range(1, columns + 1):
        header += [f"label_{rank}", f"score_{rank}"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = CsvWriter(file)
        writer.writerow([*header, "error"])
        for each in found:
            cells = [cell for label, score in each.best for cell in (label, f"{score:.6f}")]
            blank = [""] * (2 * columns - len(cells))
            writer.writerow([each.video, each.clips, *cells, *blank, each.error])


def _report(
    options: PredictEntry,
    found: Sequence[FilePrediction],
    bad: Sequence[FilePrediction],
    *,
    source: str,
    seconds: float,
) -> None:
    good = len(found) - len(bad)
    say(f"{good} of {len(found)} videos classified by {source} in {seconds:.1f} s")
    for each in bad[:_SHOWN]:
        say(f"  bad video {each.video!r}: {each.error}")
    if len(bad) > _SHOWN:
        say(f"  and {len(bad) - _SHOWN} more, all in {options.output}")
    say(f"wrote {options.output.resolve()}")
