"""What prepare is going to do: which videos, under which labels and subsets, into which store."""

from __future__ import annotations

import logging
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2

from vcc.config.data import PrepareOptions
from vcc.data.annotation import Annotation, Entry, split_name
from vcc.data.annotations import load_annotation
from vcc.data.classes import check_known, restricted, wanted_classes
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.source import open_source
from vcc.data.discovery import BadFile, FoundVideo, find_videos
from vcc.data.duplicates import duplicates, kept_together, settle
from vcc.data.names import group_of, safe_name
from vcc.data.plan import Plan, PlannedVideo, name_below
from vcc.data.resizing import resize, shrunk_size
from vcc.data.splits import check_groups, move_share, official_split
from vcc.errors import DataError

logger = logging.getLogger(__name__)

_PROBED_VIDEOS = 32


def make_plan(options: PrepareOptions, videos: Path) -> Plan:
    """Match the video files under a folder with the annotation, or with their folders' names.

    Raises:
        ConfigError: a class that is asked for is not there.
        DataError: no videos, a bad annotation, a label without videos, or a group on two sides.
    """
    found, bad = find_videos(videos)
    wanted = wanted_classes(options.classes)
    if options.annotation is None:
        plan = _from_folders(options, found, videos, wanted)
    else:
        annotation = load_annotation(options.annotation, options.split)
        plan = _from_annotation(annotation, found, videos, wanted)
        repeated = duplicates([video.path for video in plan.videos])
        plan = settle(plan, repeated, action=options.on_duplicates, root=videos)
    check_groups([video.entry for video in plan.videos])
    return replace(plan, bad=tuple(bad) + plan.bad)


def _taken(by: FoundVideo, root: Path) -> str:
    return f"has the name of {name_below(by.path, root)!r}"


def _from_folders(
    options: PrepareOptions, found: Sequence[FoundVideo], root: Path, wanted: Sequence[str]
) -> Plan:
    if wanted:
        check_known(wanted, {video.folder for video in found if video.folder})
        found = [video for video in found if video.folder in wanted]
    repeated = duplicates([video.path for video in found])
    dropped = repeated if options.on_duplicates == "drop" else {}
    unique: dict[str, FoundVideo] = {}
    bad: list[BadFile] = []
    for video in found:
        if not video.folder:
            bad.append(BadFile(name_below(video.path, root), "lies in no class folder"))
        elif video.stem not in unique:
            unique[video.stem] = video
        elif video.path in dropped:
            original = name_below(dropped[video.path], root)
            bad.append(BadFile(name_below(video.path, root), f"duplicate of {original!r}"))
        else:
            bad.append(BadFile(name_below(video.path, root), _taken(unique[video.stem], root)))
    if not unique:
        msg = f"{root}: videos lie in no class folder; move them to one folder per class"
        raise DataError(msg)
    labels = tuple(sorted({video.folder for video in unique.values()}))
    entries = [Entry(v.stem, v.folder, "train", group_of(v.stem)) for v in unique.values()]
    paths = [video.path for video in unique.values()]
    split, entries, note = _split_by_names(options, kept_together(entries, paths, repeated))
    planned = tuple(PlannedVideo(unique[entry.id].path, entry) for entry in entries)
    plan = Plan(labels, split, planned, tuple(bad), (note,))
    return settle(plan, repeated, action=options.on_duplicates, root=root)


def _split_by_names(
    options: PrepareOptions, entries: Sequence[Entry]
) -> tuple[str, list[Entry], str]:
    """Return the split's name, the entries with their subsets, and a note on where it is from."""
    official = official_split(entries, options.split)
    if official is not None:
        return split_name(options.split), official, "split by the group numbers in the names"
    drawn = move_share(
        entries, options.test_share, source="train", target="test", seed=options.manual_seed
    )
    count = sum(entry.subset == "test" for entry in drawn)
    note = (
        f"no official split: {options.test_share:.0%} of each class for test, as near as whole "
        f"groups come ({count} videos), drawn by seed {options.manual_seed}"
    )
    return f"seeded-{options.manual_seed}", drawn, note


def _from_annotation(
    everything: Annotation, found: Sequence[FoundVideo], root: Path, wanted: Sequence[str]
) -> Plan:
    annotation = restricted(everything, wanted)
    by_stem: dict[str, list[FoundVideo]] = defaultdict(list)
    for video in found:
        by_stem[video.stem].append(video)
    folders = {label.casefold() for label in annotation.labels}
    planned: list[PlannedVideo] = []
    bad: list[BadFile] = []
    for entry in annotation.entries:
        if Path(entry.id).is_absolute() or ".." in Path(entry.id).parts:
            bad.append(BadFile(entry.id, "leaves the video folder"))
            continue
        candidates = by_stem.pop(Path(entry.id).name, [])
        if not candidates:
            bad.append(BadFile(entry.id, "no such video file"))
            continue
        label = entry.label.casefold()
        candidates.sort(key=lambda video: video.folder.casefold() != label)
        first, rest = candidates[0], candidates[1:]
        bad += [BadFile(name_below(v.path, root), _taken(first, root)) for v in rest]
        if first.folder.casefold() != label and first.folder.casefold() in folders:
            reason = f"wrong class: in folder {first.folder!r}, annotated as {entry.label!r}"
            bad.append(BadFile(name_below(first.path, root), reason))
            continue
        planned.append(PlannedVideo(first.path, entry))
    unnamed = by_stem.keys() - {Path(entry.id).name for entry in everything.entries}
    notes = (f"{len(unnamed)} videos are not in the annotation",) if unnamed else ()
    return Plan(annotation.labels, annotation.split, tuple(planned), tuple(bad), notes)


def check_labels(plan: Plan, videos: Sequence[PlannedVideo], where: Path) -> None:
    """Raise DataError if a label has no usable video."""
    used = {video.entry.label for video in videos}
    missing = [label for label in plan.labels if label not in used]
    if missing:
        reason = f"; {plan.bad[0].name!r}: {plan.bad[0].reason}" if plan.bad else ""
        msg = (
            f"{where}: no usable video for {len(missing)} of {len(plan.labels)} labels "
            f"({', '.join(missing[:5])}){reason}; add videos or take the labels out"
        )
        raise DataError(msg)


def store_path(video: PlannedVideo, kind: str, *, suffix: str) -> Path:
    """Return a video's place below the frames folder, safe whatever its name."""
    name = safe_name(video.entry.id)
    return Path(safe_name(video.entry.label)) / (name if kind == "jpg" else name + suffix)


def choose_store(options: PrepareOptions, videos: Sequence[PlannedVideo], output: Path) -> str:
    """Return the kind of store to write, after logging how large each would be.

    Raises:
        DataError: the disk has less room than even the smallest choice needs.
    """
    raw, packed = estimate_sizes(options, [video.path for video in videos])
    free = shutil.disk_usage(output).free
    kind = options.store
    if kind == "auto":
        kind = "raw" if raw <= min(options.raw_limit_gib * 2**30, free / 4) else "packed"
    needed = raw if kind == "raw" else packed
    logger.info(
        "estimated store of %d videos: raw %.2f GiB, packed %.2f GiB; %.1f GiB free; writing %s",
        len(videos), raw / 2**30, packed / 2**30, free / 2**30, kind,
    )  # fmt: skip
    if needed > free:
        msg = (
            f"{output}: store={kind} needs about {needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB "
            "are free; choose store=packed, a smaller short_side or another output"
        )
        raise DataError(msg)
    return kind


def estimate_sizes(options: PrepareOptions, paths: Sequence[Path]) -> tuple[float, float]:
    """Return the estimated bytes of a raw and of a packed store.

    From the declared length and first frame of up to 32 videos spread over the list, scaled by the
    size of the files.
    """
    probed_bytes = raw = packed = 0.0
    step = max(1, len(paths) // _PROBED_VIDEOS)
    for path in paths[::step]:
        try:
            source = open_source(path)
            frame = next(iter(source.frames()))
        except (BadVideoError, StopIteration, cv2.error, OSError):
            continue
        frame = resize(frame, *shrunk_size(frame, options.short_side))
        count = max(1, source.declared)
        quality = [cv2.IMWRITE_JPEG_QUALITY, options.jpeg_quality]
        raw += count * frame.nbytes
        packed += count * (cv2.imencode(".jpg", frame, quality)[1].nbytes + 8)
        probed_bytes += _size(path)
    if not probed_bytes:
        return 0.0, 0.0
    scale = sum(map(_size, paths)) / probed_bytes
    return raw * scale, packed * scale


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(item.stat().st_size for item in path.glob("image_*.jpg"))
        return path.stat().st_size
    except OSError:
        return 0
