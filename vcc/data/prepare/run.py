"""Prepare: labelled videos in, a frame store with a manifest out.

Every video is decoded once, scaled and stored as one file, by as many processes as there are cores
(or a Dask cluster). The manifest is written last, so that a folder with a manifest is whole; a run
that was killed is continued by giving the same command again.
"""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

from vcc.config.data import PrepareOptions
from vcc.data.annotations.names import check_dataset_name, check_label
from vcc.data.annotations.splits import move_share
from vcc.data.decoding.reading import Reading
from vcc.data.motion import generate_motion_videos
from vcc.data.prepare.convert import ConvertJob, ConvertResult
from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.plan import Plan, PlannedVideo, name_below
from vcc.data.prepare.planning import check_labels, make_plan, store_path
from vcc.data.prepare.remarks import remarks
from vcc.data.prepare.report import PrepareReport
from vcc.data.prepare.sizes import choose_store
from vcc.data.prepare.workers import convert_all
from vcc.data.store.files import SUFFIX, StoredVideo
from vcc.data.store.manifest import FRAMES_NAME, Manifest, VideoRecord, count_by, write_manifest
from vcc.data.store.sources import Source, write_sources
from vcc.data.store.verify import verify
from vcc.errors import DataError
from vcc.files import alone_in
from vcc.progress import follow

logger = logging.getLogger(__name__)

MOTION_NAME = "motion"
_SHOWN = 5


@dataclass(frozen=True)
class _Stored:
    """A planned video that made it into the store; `name` is its path under the video folder."""

    planned: PlannedVideo
    stored: StoredVideo
    file: Path
    name: str


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


def _source(stored: StoredVideo) -> Source:
    return Source(
        width=stored.source_width, height=stored.source_height, sha256=stored.source_sha256
    )


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
    videos = _motion_videos(options, output) if options.videos is None else options.videos
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
    done, bad, reused = _fill_store(options, plan, output, kind, videos=videos)
    _check_bad_share(options, plan, bad, videos)
    check_labels(replace(plan, bad=tuple(bad)), [item.planned for item in done], videos)
    manifest = _manifest(options, plan, done, kind, name=name_of(options))
    write_manifest(manifest, output)
    write_sources({item.planned.entry.id: _source(item.stored) for item in done}, output)
    _remove_partial(output)
    report = _report(manifest, done, output, bad=bad, plan=plan, reused=reused, started=started)
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


def _motion_videos(options: PrepareOptions, output: Path) -> Path:
    return generate_motion_videos(
        output / "videos",
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


def _fill_store(
    options: PrepareOptions, plan: Plan, output: Path, kind: str, *, videos: Path
) -> tuple[list[_Stored], list[BadFile], int]:
    files = [Path(FRAMES_NAME) / store_path(video, kind, suffix=SUFFIX) for video in plan.videos]
    jobs = [
        ConvertJob(
            number=number,
            source=video.path.absolute(),
            target=(output / file).absolute(),
            kind=kind,
            short_side=options.short_side,
            jpeg_quality=options.jpeg_quality,
            reading=Reading(fps=options.fps, min_decoded_share=options.min_decoded_share),
        )
        for number, (video, file) in enumerate(zip(plan.videos, files, strict=True))
    ]
    results: dict[int, ConvertResult] = {}
    try:
        converted = convert_all(options, jobs)
        for result in follow(converted, "prepare", total=len(jobs), unit="videos"):
            results[result.number] = result
    except OSError as error:
        msg = (
            f"{output}: cannot write the store ({error.strerror or error}); "
            "make room or give another folder with output=DIR, then run again to continue"
        )
        raise DataError(msg) from None
    except BrokenProcessPool as error:
        msg = (
            f"{output}: a worker process was killed ({' '.join(str(error).split())[:120]}); with "
            "too little memory set n_jobs=1, then run again to continue"
        )
        raise DataError(msg) from None
    done: list[_Stored] = []
    bad = list(plan.bad)
    for number, video in enumerate(plan.videos):
        result = results[number]
        if result.stored is None:
            bad.append(BadFile(name_below(video.path, videos), result.reason))
        else:
            name = name_below(video.path, videos)
            done.append(_Stored(video, result.stored, files[number], name))
            if result.stored.cut:
                logger.warning("%s: cut or damaged: %s", video.path, result.stored.cut)
    return done, bad, sum(result.reused for result in results.values())


def _check_bad_share(
    options: PrepareOptions, plan: Plan, bad: Sequence[BadFile], videos: Path
) -> None:
    converted_badly = len(bad) - len(plan.bad)
    total = len(plan.videos) - converted_badly + len(bad)
    if len(bad) > options.max_bad_share * total:
        msg = (
            f"{videos}: {len(bad)} of {total} files are bad, more than max_bad_share="
            f"{options.max_bad_share:g} allows; first {bad[0].name!r}: {bad[0].reason}; "
            "mend or remove them, or raise max_bad_share"
        )
        for item in bad:
            logger.warning("bad file %r: %s", item.name, item.reason)
        raise DataError(msg)


def _manifest(
    options: PrepareOptions, plan: Plan, done: Sequence[_Stored], kind: str, *, name: str
) -> Manifest:
    entries = [item.planned.entry for item in done]
    # A split that names its own dev videos keeps them.
    if not any(entry.subset == "dev" for entry in entries):
        entries = move_share(
            entries, options.dev_share, source="train", target="dev", seed=options.manual_seed
        )
    numbers = {label: number for number, label in enumerate(plan.labels)}
    records = [
        VideoRecord(
            id=entry.id,
            label=numbers[entry.label],
            label_name=entry.label,
            group=entry.group or "",
            subset=entry.subset,
            n_frames=item.stored.n_frames,
            fps=item.stored.fps,
            height=item.stored.height,
            width=item.stored.width,
            file=item.file.as_posix(),
            checksum=item.stored.checksum,
        )
        for entry, item in zip(entries, done, strict=True)
    ]
    train = [i.stored for e, i in zip(entries, done, strict=True) if e.subset == "train"]
    mean, std = _pixel_statistics(train or [item.stored for item in done])
    return Manifest(
        name=name,
        split=plan.split,
        labels=plan.labels,
        store=kind,
        short_side=options.short_side,
        direction_sensitive=options.direction_sensitive or options.videos is None,
        pixel_mean=mean,
        pixel_std=std,
        videos=tuple(records),
        fps=options.fps,
    )


def _pixel_statistics(
    videos: Sequence[StoredVideo],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    count = sum(video.pixel_count for video in videos)
    mean, std = [], []
    for channel in range(3):
        first = math.fsum(video.pixel_sum[channel] for video in videos) / count
        second = math.fsum(video.pixel_square_sum[channel] for video in videos) / count
        mean.append(round(first, 4))
        std.append(round(math.sqrt(max(0.0, second - first**2)), 4))
    return tuple(mean), tuple(std)


def _remove_partial(output: Path) -> None:
    for path in output.rglob(".partial-*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _report(
    manifest: Manifest,
    done: Sequence[_Stored],
    output: Path,
    *,
    bad: Sequence[BadFile],
    plan: Plan,
    reused: int,
    started: float,
) -> PrepareReport:
    named = [(item.name, item.stored) for item in done]
    notes = [*plan.notes, *remarks(named, resampled=manifest.fps > 0)]
    for subset, use in (("train", "trained on"), ("dev", "tuned on"), ("test", "tested on")):
        if not count_by(manifest.videos, subset):
            notes.append(f"no {subset} videos: the data set cannot be {use}")
        else:
            notes += _absent(manifest, subset)
    files = [output / item.file for item in done]
    return PrepareReport(
        root=output,
        name=manifest.name,
        split=manifest.split,
        store=manifest.store,
        classes=len(manifest.labels),
        train=count_by(manifest.videos, "train"),
        dev=count_by(manifest.videos, "dev"),
        test=count_by(manifest.videos, "test"),
        frames=sum(video.n_frames for video in manifest.videos),
        hours=sum(video.n_frames / (video.fps or 25.0) for video in manifest.videos) / 3600,
        size_bytes=sum(map(_bytes_on_disk, files)),
        reused=reused,
        bad=tuple(bad),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
        digest=manifest.digest,
    )


def _absent(manifest: Manifest, subset: str) -> list[str]:
    """Return a note if a class has no video in a subset; of dev, small classes often have none."""
    there = {video.label_name for video in manifest.videos if video.subset == subset}
    absent = [repr(label) for label in manifest.labels if label not in there]
    if subset == "dev" or not absent:
        return []
    more = [f"and {len(absent) - _SHOWN} more"] if len(absent) > _SHOWN else []
    named = ", ".join([*absent[:_SHOWN], *more])
    return [f"classes without {subset} videos: {len(absent)}: {named}"]


def _bytes_on_disk(path: Path) -> int:
    if path.is_dir():
        return sum(item.stat().st_size for item in path.iterdir())
    return path.stat().st_size
