"""k-fold cross-validation over a prepared data set, by whole groups."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from vcc.data.annotations.annotation import Entry
from vcc.data.annotations.splits import move_share
from vcc.data.store.manifest import VideoRecord
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError

# As `prepare` sets it aside by default.
_DEV_SHARE = 0.1


def fold_datasets(
    dataset: PreparedDataset, n_folds: int, *, seed: int
) -> tuple[PreparedDataset, ...]:
    """Return the data set once per fold: all its videos, each in `test` of exactly one fold.

    Whole groups are held out, with shares of the classes as even as they allow; a video without a
    group is one of its own. A tenth of the rest, again by groups, is `dev`. The frames are shared.
    Pixel mean and standard deviation stay those of the original training videos.

    Args:
        dataset: with its subsets put together, test included.
        n_folds: at least 2.
        seed: of the assignment to folds, and to dev.

    Raises:
        DataError: fewer groups than folds, or a class that a fold cannot be trained on.
    """
    videos = dataset.manifest.videos
    groups = [record.group or f"video {record.id}" for record in videos]
    if len(set(groups)) < n_folds:
        msg = (
            f"folds: {dataset.name} has {len(set(groups))} groups of videos, too few for {n_folds} "
            "folds: ask for fewer"
        )
        raise DataError(msg)
    labels = [record.label for record in videos]
    splitter = StratifiedGroupKFold(n_splits=n_folds, shuffle=True, random_state=seed)
    made = []
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(videos)), labels, groups)):
        held = {int(index) for index in held_out}
        entries = [
            Entry(record.id, record.label_name, "test" if index in held else "train", group)
            for index, (record, group) in enumerate(zip(videos, groups, strict=True))
        ]
        made.append(_with_subsets(dataset, entries, number=number, n_folds=n_folds, seed=seed))
    return tuple(made)


def _with_subsets(
    dataset: PreparedDataset, entries: list[Entry], *, number: int, n_folds: int, seed: int
) -> PreparedDataset:
    entries = move_share(entries, _DEV_SHARE, source="train", target="dev", seed=seed)
    records = tuple(
        dataclasses.replace(record, subset=entry.subset)
        for record, entry in zip(dataset.manifest.videos, entries, strict=True)
    )
    _check_classes(dataset, records, number=number)
    split = f"{dataset.split}, fold {number + 1} of {n_folds}, seed {seed}"
    manifest = dataclasses.replace(dataset.manifest, split=split, videos=records)
    return PreparedDataset(dataset.root, manifest)


def _check_classes(
    dataset: PreparedDataset, records: tuple[VideoRecord, ...], *, number: int
) -> None:
    trained = {record.label for record in records if record.subset == "train"}
    missing = [name for label, name in enumerate(dataset.labels) if label not in trained]
    if missing:
        msg = (
            f"folds: all videos of {', '.join(missing)} fall into the test or dev part of fold "
            f"{number + 1}: ask for fewer folds, or give the class videos of more groups"
        )
        raise DataError(msg)
