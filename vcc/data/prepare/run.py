"""Prepare: labelled videos in, a frame store with a manifest out.

Every video is decoded once, scaled and stored as one file, by as many processes as there are cores
(or a Dask cluster). The manifest is written last, so that a folder with a manifest is whole; a run
that was killed is continued by giving the same command again.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vcc.config.data import PrepareOptions
from vcc.data.annotations.names import check_dataset_name, check_label
from vcc.data.motion import generate_motion_videos
from vcc.data.prepare.build_plan import check_labels, make_plan
from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.filling import fill_store
from vcc.data.prepare.outcome import manifest_of, report_of
from vcc.data.prepare.plan import Plan
from vcc.data.prepare.report import PrepareReport
from vcc.data.prepare.sizes import choose_store
from vcc.data.store.manifest import FRAMES_NAME, write_manifest
from vcc.data.store.sources import write_sources
from vcc.data.store.verify import verify
from vcc.errors import DataError
from vcc.files import alone_in

logger = logging.getLogger(__name__)

MOTION_NAME = "motion"


def prepare(options: PrepareOptions) -> PrepareReport:
    """Prepare a data set and return what was done; with `verify`, only check an existing one.

    Raises:
        DataError: nothing to prepare, a contradictory annotation, more bad files than
            `max_bad_share`, or (with `verify`) a store that differs from its manifest.
    """
    started = time.perf_counter()
    check_dataset_name(name_of(options))
    output = output_of(options)
    if options.verify:
        return verify(output)
    with alone_in(output), _leaving_nothing_useless(output):
        return _prepare(options, output, started=started)


@contextlib.contextmanager
def _leaving_nothing_useless(output: Path) -> Iterator[None]:
    """Remove what a failing call made, unless it holds frames that another can go on from."""
    made = not output.exists()
    try:
        yield
    except DataError:
        frames = output / FRAMES_NAME
        if made and not any(path.is_file() for path in frames.rglob("*")):
            shutil.rmtree(output, ignore_errors=True)
        raise


def _prepare(options: PrepareOptions, output: Path, *, started: float) -> PrepareReport:
    videos = _motion_videos(options) if options.videos is None else options.videos
    try:
        plan = make_plan(options, videos)
        for label in plan.labels:
            check_label(label)
        check_labels(plan, plan.videos, options.annotation or videos)
        (output / FRAMES_NAME).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = (
            f"{output}: cannot write there ({error.strerror}); give another folder with output=DIR"
        )
        raise DataError(msg) from None
    kind = choose_store(options, plan.videos, output)
    done, bad, reused = fill_store(options, plan, output, kind, videos=videos)
    _check_bad_share(options, plan, bad, videos)
    check_labels(replace(plan, bad=tuple(bad)), [item.planned for item in done], videos)
    manifest = manifest_of(options, plan, done, kind, name=name_of(options))
    write_manifest(manifest, output)
    write_sources({item.planned.entry.id: item.source for item in done}, output)
    _remove_partial(output)
    report = report_of(manifest, done, output, bad=bad, plan=plan, reused=reused, started=started)
    report.write()
    return report


def name_of(options: PrepareOptions) -> str:
    """Return the data set's name: the one given, the video folder's, or `motion`."""
    if options.dataset is not None:
        return options.dataset
    return MOTION_NAME if options.videos is None else options.videos.resolve().name


def output_of(options: PrepareOptions) -> Path:
    """Return the folder of the prepared data set."""
    return options.output if options.output is not None else options.root_path / name_of(options)


def videos_of(options: PrepareOptions) -> Path:
    """Return the folder of the videos: the one given, or where the built-in ones are drawn."""
    return options.videos if options.videos is not None else output_of(options) / "videos"


def _motion_videos(options: PrepareOptions) -> Path:
    return generate_motion_videos(
        videos_of(options),
        n_classes=options.motion_classes,
        clips_per_group=options.motion_clips,
        n_frames=options.motion_frames,
        width=options.motion_width,
        height=options.motion_height,
        difficulty=options.motion_difficulty,
        opacity=options.motion_opacity,
        seed=options.manual_seed,
        n_jobs=options.n_jobs,
    )


def _check_bad_share(
    options: PrepareOptions, plan: Plan, bad: Sequence[BadFile], videos: Path
) -> None:
    converted_badly = len(bad) - len(plan.bad)
    total = len(plan.videos) - converted_badly + len(bad)
    bad = [item for item in bad if item.counts]
    if len(bad) > options.max_bad_share * total:
        msg = (
            f"{videos}: {len(bad)} of {total} files are bad, more than max_bad_share="
            f"{options.max_bad_share:g} allows; first {bad[0].name!r}: {bad[0].reason}; "
            "mend or remove them, or raise max_bad_share"
        )
        for item in bad:
            logger.warning("bad file %r: %s", item.name, item.reason)
        raise DataError(msg)


def _remove_partial(output: Path) -> None:
    for path in output.rglob(".partial-*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
