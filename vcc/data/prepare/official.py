"""The official splits of a data set that was prepared once: other subsets of the same videos."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

from vcc.config.data import PrepareOptions
from vcc.data.annotations.annotation import Entry, split_name
from vcc.data.annotations.splits import move_share
from vcc.data.prepare.build_plan import make_plan
from vcc.data.prepare.plan import Plan
from vcc.data.prepare.run import videos_of
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError

_logger = logging.getLogger(__name__)


def split_datasets(
    dataset: PreparedDataset, options: PrepareOptions, splits: Sequence[int]
) -> tuple[PreparedDataset, ...]:
    """Return the data set once per official split, with its videos in that split's subsets.

    Dev videos are drawn from the training videos by whole groups, as `prepare` draws them. The
    frames are shared. Pixel mean and standard deviation stay those of the split that was prepared.

    Args:
        dataset: what `prepare` made by `options`.
        options: which videos and whose lists; their own `split` does not count.
        splits: numbers of the splits.

    Raises:
        DataError: there are no lists of such a split, or a class has no video to train or test on.
    """
    return tuple(_of_split(dataset, options, number) for number in splits)


def _of_split(dataset: PreparedDataset, options: PrepareOptions, number: int) -> PreparedDataset:
    plan = make_plan(dataclasses.replace(options, split=number), videos_of(options))
    _check_official(plan, options, number)
    for note in plan.notes:
        _logger.info("%s: %s", plan.split, note)
    subsets = _subsets(plan, dataset, options)
    records = tuple(
        dataclasses.replace(record, subset=subsets[record.id])
        for record in dataset.manifest.videos
        if record.id in subsets
    )
    manifest = dataclasses.replace(dataset.manifest, split=plan.split, videos=records)
    made = PreparedDataset(dataset.root, manifest)
    _check_classes(made)
    return made


def _check_official(plan: Plan, options: PrepareOptions, number: int) -> None:
    if plan.split != split_name(number):
        where = options.annotation or options.videos or "the built-in videos"
        msg = (
            f"splits: {where}: no official split {number} there, but {plan.split!r}: give a folder "
            "of official lists with annotation=DIR, or repeat seeds or folds"
        )
        raise DataError(msg)


def _subsets(plan: Plan, dataset: PreparedDataset, options: PrepareOptions) -> dict[str, str]:
    """Return the subset of every stored video that the split names."""
    stored = {record.id for record in dataset.manifest.videos}
    entries: list[Entry] = [each.entry for each in plan.videos if each.entry.id in stored]
    # A split that names its own dev videos keeps them.
    if not any(entry.subset == "dev" for entry in entries):
        entries = move_share(
            entries, options.dev_share, source="train", target="dev", seed=options.manual_seed
        )
    return {entry.id: entry.subset for entry in entries}


def _check_classes(dataset: PreparedDataset) -> None:
    for subset in ("train", "test"):
        there = {record.label for record in dataset.videos(subset)}
        missing = [name for label, name in enumerate(dataset.labels) if label not in there]
        if missing:
            msg = (
                f"splits: {dataset.split} of {dataset.name} has no {subset} videos of "
                f"{', '.join(missing[:5])}: add videos, or leave classes out with classes=A,B,C"
            )
            raise DataError(msg)
