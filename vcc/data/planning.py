"""What prepare is going to do: which videos, under which labels and subsets, into which store."""

from __future__ import annotations

import logging
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from vcc.config.data import PrepareOptions
from vcc.data.annotation import Annotation, Entry, split_name
from vcc.data.annotations import load_annotation
from vcc.data.decoding.errors import BadVideoError
from vcc.data.decoding.source import open_source
from vcc.data.discovery import BadFile, FoundVideo, duplicates, find_videos
from vcc.data.names import group_of, safe_name
from vcc.data.resizing import resize, shrunk_size
from vcc.data.splits import check_groups, move_share, official_split
from vcc.errors import DataError

logger = logging.getLogger(__name__)

_PROBED_VIDEOS = 32


@dataclass(frozen=True)
class PlannedVideo:
    """A video file with its annotation entry."""

    path: Path
    entry: Entry


@dataclass(frozen=True)
class Plan:
    """Everything prepare needs to know before it reads the first frame."""

    labels: tuple[str, ...]
    split: str
    videos: tuple[PlannedVideo, ...]
    bad: tuple[BadFile, ...]
    notes: tuple[str, ...]


def make_plan(options: PrepareOptions, videos: Path) -> Plan:
    """Match the video files under a folder with the annotation, or with their folders' names.

    Raises:
        DataError: no videos, a bad annotation, a label without videos, or a group on two sides.
    """
    found, bad = find_videos(videos)
    if options.annotation is None:
        plan = _from_folders(options, found, videos)
    else:
        plan = _from_annotation(load_annotation(options.annotation, options.split), found, videos)
    check_groups([video.entry for video in plan.videos])
    return replace(plan, bad=tuple(bad) + plan.bad)


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root))


def _duplicate_files(repeated: Mapping[Path, Path], root: Path) -> list[BadFile]:
    return [
        BadFile(_name(path, root), f"duplicate of {_name(original, root)!r}")
        for path, original in repeated.items()
    ]


def _taken(by: FoundVideo, root: Path) -> str:
    return f"has the name of {_name(by.path, root)!r}"


def _from_folders(options: PrepareOptions, found: Sequence[FoundVideo], root: Path) -> Plan:
    repeated = duplicates([video.path for video in found])
    bad = _duplicate_files(repeated, root)
    unique: dict[str, FoundVideo] = {}
    for video in found:
        if video.path in repeated:
            continue
        if not video.folder:
            bad.append(BadFile(_name(video.path, root), "lies in no class folder"))
        elif video.stem in unique:
            bad.append(BadFile(_name(video.path, root), _taken(unique[video.stem], root)))
        else:
            unique[video.stem] = video
    if not unique:
        msg = f"{root}: videos lie in no class folder; move them to one folder per class"
        raise DataError(msg)
    labels = tuple(sorted({video.folder for video in unique.values()}))
    entries = [Entry(v.stem, v.folder, "train", group_of(v.stem)) for v in unique.values()]
    official = official_split(entries, options.split)
    if official is not None:
        split, note = split_name(options.split), "split by the group numbers in the names"
        entries = official
    else:
        split = f"seeded-{options.manual_seed}"
        entries = move_share(
            entries, options.test_share, source="train", target="test", seed=options.manual_seed
        )
        drawn = sum(entry.subset == "test" for entry in entries)
        note = (
            f"no official split: {options.test_share:.0%} of each class for test, as near as whole "
            f"groups come ({drawn} videos), drawn by seed {options.manual_seed}"
        )
    planned = tuple(PlannedVideo(unique[entry.id].path, entry) for entry in entries)
    return Plan(labels, split, planned, tuple(bad), (note,))


def _from_annotation(annotation: Annotation, found: Sequence[FoundVideo], root: Path) -> Plan:
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
        bad += [BadFile(_name(v.path, root), _taken(first, root)) for v in rest]
        if first.folder.casefold() != label and first.folder.casefold() in folders:
            reason = f"wrong class: in folder {first.folder!r}, annotated as {entry.label!r}"
            bad.append(BadFile(_name(first.path, root), reason))
            continue
        planned.append(PlannedVideo(first.path, entry))
    repeated = duplicates([video.path for video in planned])
    bad += _duplicate_files(repeated, root)
    kept = tuple(video for video in planned if video.path not in repeated)
    notes = (f"{len(by_stem)} videos are not in the annotation",) if by_stem else ()
    return Plan(annotation.labels, annotation.split, kept, tuple(bad), notes)


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
