"""What prepare is going to do: which videos, under which labels and subsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vcc.config.data import PrepareOptions
from vcc.data.annotations.annotation import Entry, split_name
from vcc.data.annotations.classes import check_known, wanted_classes
from vcc.data.annotations.forms import load_annotation
from vcc.data.annotations.ids import distinct
from vcc.data.annotations.names import group_of, safe_name
from vcc.data.annotations.splits import check_groups, move_share, official_split
from vcc.data.folders.group_names import mixed_groups
from vcc.data.folders.layout import Placed, lay_out
from vcc.data.prepare.discovery import BadFile, Found, find_videos, linked_outside
from vcc.data.prepare.duplicates import duplicates, kept_together, settle
from vcc.data.prepare.matching import plan_of_annotation
from vcc.data.prepare.plan import Plan, PlannedVideo, name_below
from vcc.errors import DataError

# The name of a split that folders make.
FOLDERS = "folders"


def make_plan(options: PrepareOptions, videos: Path) -> Plan:
    """Match the video files under a folder with the annotation, or with their folders' names.

    Raises:
        ConfigError: a class that is asked for is not there.
        DataError: no videos, a bad annotation, fewer than two classes, or a group on two sides.
    """
    found = find_videos(videos, ignored=options.annotation)
    wanted = wanted_classes(options.classes)
    if options.annotation is None:
        plan = _from_folders(options, found, videos, wanted)
    else:
        annotation = load_annotation(options.annotation, options.split)
        plan = plan_of_annotation(annotation, found.videos, videos, wanted)
        _check_found(plan, found, options.annotation, videos)
    repeated = duplicates([video.path for video in plan.videos])
    if not plan.split:
        plan = _drawn(options, plan, repeated, videos)
    plan = settle(plan, repeated, action=options.on_duplicates, root=videos)
    # By the names of files, since a message on a split by folders can give no others.
    check_groups([replace(each.entry, id=name_below(each.path, videos)) for each in plan.videos])
    if len(plan.labels) < 2:
        msg = (
            f"{options.annotation or videos}: only one class, {plan.labels[0]!r}: a network tells "
            "apart two or more; give a folder, or labels, for each"
        )
        raise DataError(msg)
    return replace(plan, bad=tuple(found.bad) + plan.bad, notes=plan.notes + tuple(found.notes()))


def _check_found(plan: Plan, found: Found, annotation: Path, root: Path) -> None:
    """Raise DataError if an annotation names videos and none of them is there."""
    if plan.bad and found.videos and not plan.videos:
        msg = (
            f"{annotation}: none of its {len(plan.bad)} videos is usable, first "
            f"{plan.bad[0].name!r}: {plan.bad[0].reason}; below {root} there are such as "
            f"{name_below(found.videos[0].path, root)!r}: check videos=DIR and the list's names"
        )
        raise DataError(msg)


def _from_folders(options: PrepareOptions, found: Found, root: Path, wanted: Sequence[str]) -> Plan:
    """Return the plan of classes that are folders; its split is empty where they name none."""
    layout = lay_out(found.videos, root, class_folders=options.class_folders)
    if links := [path for path in found.links if len(path.parts) <= layout.class_depth]:
        # A class would be lost with it.
        msg = f"{root}: {linked_outside(links, root)}"
        raise DataError(msg)
    placed = layout.placed
    if wanted:
        check_known(wanted, {each.label for each in placed})
        placed = tuple(each for each in placed if each.label in wanted)
    bad = tuple(BadFile(name_below(v.path, root), "lies in no class folder") for v in layout.loose)
    if not placed:
        msg = f"{root}: videos lie in no class folder; move them to one folder per class"
        raise DataError(msg)
    names = distinct([_names(each, root) for each in placed])
    videos = tuple(
        PlannedVideo(
            each.video.path,
            Entry(name, each.label, each.subset or "train", _group(each)),
        )
        for name, each in zip(names, placed, strict=True)
    )
    labels = tuple(sorted({each.label for each in placed}))
    return Plan(labels, FOLDERS if layout.is_split else "", videos, bad, layout.notes)


def _group(placed: Placed) -> str | None:
    return group_of(placed.video.stem) or placed.group or None


def _names(placed: Placed, root: Path) -> tuple[str, ...]:
    stem, path = placed.video.stem, placed.video.path
    whole = "/".join((*placed.video.folders, stem))
    return stem, f"{placed.label}/{stem}", whole, path.relative_to(root).as_posix()


def _drawn(options: PrepareOptions, plan: Plan, repeated: Mapping[Path, Path], root: Path) -> Plan:
    """Return a plan with a split by the groups in its videos' names, or by a seed."""
    paths = [video.path for video in plan.videos]
    together = kept_together([video.entry for video in plan.videos], paths, repeated)
    split, entries, note = _split_by_names(options, together)
    videos = tuple(PlannedVideo(path, e) for path, e in zip(paths, entries, strict=True))
    loose = [
        (name_below(each.path.with_suffix(""), root), each.entry.subset)
        for each in videos
        if each.entry.group is None
    ]
    notes = (*plan.notes, note, *mixed_groups(loose, len(plan.labels)))
    return replace(plan, split=split, videos=videos, notes=notes)


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
