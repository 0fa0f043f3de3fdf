"""What `predict` does where scores over time are asked for, beside its table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vcc.config.entrypoints import PredictEntry
from vcc.errors import ConfigError
from vcc.pipeline.predict.annotate import annotate, annotated_file
from vcc.pipeline.predict.timeline import write_timelines
from vcc.tracking.runs import Run
from vcc.tracking.video_classifier import Timeline, VideoClassifier


def looks_over_time(options: PredictEntry) -> bool:
    """Return whether what is said of each clip is wanted."""
    return options.timeline or options.annotate is not None


def check_over_time(options: PredictEntry, videos: Path) -> None:
    """Refuse what cannot be, before hours of work.

    Raises:
        ConfigError: options contradict each other, or the folder of videos cannot be made.
    """
    folder = options.annotate
    if options.n_clips and looks_over_time(options):
        msg = "n_clips: timeline and annotate look at all clips: leave it out"
        raise ConfigError(msg)
    if folder is None:
        return
    if folder.resolve().is_relative_to(videos.resolve()):
        msg = (
            f"annotate: {folder} lies in {videos}, where its videos would be classified next time: "
            "name another folder"
        )
        raise ConfigError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"annotate: {folder} cannot be made: {error.strerror}"
        raise ConfigError(msg) from None


def classify_over_time(
    classifier: VideoClassifier, path: Path, name: str, options: PredictEntry
) -> Timeline:
    """Classify each clip of a video, and write the video again where that is asked for.

    Raises:
        BadVideoError: it is not a video within the limits.
    """
    timeline = classifier.timeline(path)
    if options.annotate is not None:
        annotate(classifier.frames(path), timeline, annotated_file(options.annotate, name))
    return timeline


def write_over_time(found: Mapping[str, Timeline], options: PredictEntry, run: Run) -> list[Path]:
    """Write and log the scores over time, where they are asked for; return all that was written.

    Args:
        found: name of a video -> its scores.
        options: which forms, and where.
        run: takes the tables and pictures; videos are too large for it.
    """
    made = [options.annotate] if options.annotate is not None else []
    if not options.timeline:
        return made
    written = write_timelines(found, options.output, top_k=options.top_k)
    there = [path for path in written if path.exists()]
    for path in there:
        run.log_file(path, path.name if path.is_dir() else None)
    return [*there, *made]
