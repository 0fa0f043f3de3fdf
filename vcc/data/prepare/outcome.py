"""What preparing came to: the manifest of the videos that were kept, and the report."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vcc.config.data import PrepareOptions
from vcc.data.annotations.splits import move_share
from vcc.data.prepare.alike import Seen, look_alikes
from vcc.data.prepare.discovery import BadFile
from vcc.data.prepare.plan import Plan, PlannedVideo
from vcc.data.prepare.remarks import remarks
from vcc.data.prepare.report import PrepareReport, manifest_facts
from vcc.data.store.files import StoredVideo, bytes_on_disk
from vcc.data.store.manifest import Manifest, VideoRecord, count_by
from vcc.data.store.sources import Source

_SHOWN = 5
# What a data set without one of the subsets is no good for, and what to do.
_REFUSED = {
    "train": "train refuses the data set; give a split with videos for training",
    "dev": (
        "train refuses the data set unless no_val=true, and sensitivity and search refuse it; dev "
        "takes whole groups and leaves every class one for training: give more videos or groups, a "
        "larger dev_share, or a list that names val videos beside test"
    ),
    "test": "evaluate refuses the data set; give a split with videos for test",
}


@dataclass(frozen=True)
class KeptVideo:
    """A planned video that made it into the store; `name` is its path under the video folder."""

    planned: PlannedVideo
    stored: StoredVideo
    file: Path
    name: str

    @property
    def source(self) -> Source:
        """Size and content of the file that it came from."""
        return Source(
            width=self.stored.source_width,
            height=self.stored.source_height,
            sha256=self.stored.source_sha256,
        )


def manifest_of(
    options: PrepareOptions, plan: Plan, done: Sequence[KeptVideo], kind: str, *, name: str
) -> Manifest:
    """Return the manifest of a data set, dev videos drawn from training where there are none.

    Args:
        options: shares, seed and sizes.
        plan: labels and split.
        done: the videos that are in the store.
        kind: of the store.
        name: of the data set.
    """
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


def report_of(
    manifest: Manifest,
    done: Sequence[KeptVideo],
    output: Path,
    *,
    bad: Sequence[BadFile],
    plan: Plan,
    reused: int,
    started: float,
) -> PrepareReport:
    """Return the report of a data set that was just prepared.

    Args:
        manifest: as it was written.
        done: the videos that are in the store.
        output: folder of the data set.
        bad: files that are not.
        plan: whose notes it repeats.
        reused: videos that an earlier call had stored.
        started: `time.perf_counter` at the beginning.
    """
    named = [(item.name, item.stored) for item in done]
    notes = [*plan.notes, *remarks(named, resampled=manifest.fps > 0)]
    notes += look_alikes(
        [
            Seen(
                name=item.name,
                subset=record.subset,
                n_frames=record.n_frames,
                look=item.stored.look,
                sha256=item.stored.source_sha256,
            )
            for record, item in zip(manifest.videos, done, strict=True)
        ]
    )
    for subset, refused in _REFUSED.items():
        if not count_by(manifest.videos, subset):
            notes.append(f"no {subset} videos: {refused}")
        else:
            notes += _absent(manifest, subset)
    files = [output / item.file for item in done]
    return PrepareReport(
        root=output,
        **manifest_facts(manifest),
        size_bytes=sum(map(bytes_on_disk, files)),
        reused=reused,
        bad=tuple(bad),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
    )


def _absent(manifest: Manifest, subset: str) -> list[str]:
    """Return a note if a class has no video in a subset; of dev, small classes often have none."""
    there = {video.label_name for video in manifest.videos if video.subset == subset}
    absent = [repr(label) for label in manifest.labels if label not in there]
    if subset == "dev" or not absent:
        return []
    more = [f"and {len(absent) - _SHOWN} more"] if len(absent) > _SHOWN else []
    named = ", ".join([*absent[:_SHOWN], *more])
    effect = "a network cannot learn them" if subset == "train" else "no figure is about them"
    return [
        f"classes without {subset} videos: {len(absent)}: {named}: {effect}; give such videos, or "
        "leave the classes out with classes=A,B,C"
    ]
