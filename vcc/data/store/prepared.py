"""A prepared data set, opened: its videos by subset and their frames."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from vcc.data.annotations.names import check_dataset_name, check_label
from vcc.data.clips.box import Box
from vcc.data.clips.resizing import Frame
from vcc.data.clips.scratch import Scratch
from vcc.data.store.frames import Frames, Indices, read_box, read_frames
from vcc.data.store.manifest import (
    MANIFEST_NAME,
    Manifest,
    VideoRecord,
    prepare_command,
    read_manifest,
)
from vcc.errors import DataError, nearest

SUBSETS = ("train", "dev", "test")

__all__ = ["SUBSETS", "PreparedDataset", "VideoRecord", "find_prepared", "find_prepared_of"]


class PreparedDataset:
    """What `prepare` made of a data set: the manifest at once, frames when they are asked for.

    Attributes:
        root: its folder.
        name: of the data set.
        split: which official or seeded split this is.
        digest: SHA-256 of the manifest's content, independent of place and time.
        labels: class names in the order of their numbers.
        pixel_mean: RGB, 0 to 255, over training videos.
        pixel_std: the same.
        direction_sensitive: whether mirrored videos have other labels.
    """

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self.root = root
        self.manifest = manifest
        self.name = manifest.name
        self.split = manifest.split
        self.digest = manifest.digest
        self.labels = manifest.labels
        self.pixel_mean = manifest.pixel_mean
        self.pixel_std = manifest.pixel_std
        self.direction_sensitive = manifest.direction_sensitive

    @classmethod
    def open(cls, root: str | os.PathLike[str]) -> PreparedDataset:
        """Open the data set in a folder; raises DataError where there is none."""
        folder = Path(root)
        return cls(folder, read_manifest(folder))

    @cached_property
    def _by_subset(self) -> dict[str, tuple[VideoRecord, ...]]:
        videos = self.manifest.videos
        return {name: tuple(v for v in videos if v.subset == name) for name in SUBSETS}

    def videos(self, subset: str) -> Sequence[VideoRecord]:
        """Return the videos of `train` (without dev), `dev` or `test`, in the manifest's order."""
        if subset not in SUBSETS:
            msg = f"{self.name}: no subset {subset!r}: {nearest(subset, SUBSETS)}"
            raise DataError(msg)
        return self._by_subset[subset]

    def frame_list(self, record: VideoRecord, indices: Indices) -> list[Frame]:
        """Return frames uint8 [H, W, 3] in RGB one by one: of a raw store, without copying them."""
        shape = (record.height, record.width)
        return read_frames(self.root / record.file, self.manifest.store, indices, shape=shape)

    def frames(self, record: VideoRecord, indices: Indices) -> Frames:
        """Return frames uint8 [k, H, W, 3] in RGB, in the order asked for.

        Args:
            record: one of `videos(...)`.
            indices: frame numbers from 0 to `record.n_frames - 1`; may repeat.
        """
        return np.stack(self.frame_list(record, indices))

    def read_box(
        self, record: VideoRecord, indices: Indices, box: Box, *, scratch: Scratch
    ) -> Frames:
        """Return a box of frames, uint8 [k, side, side, 4] in RGBX, the array `box` of `scratch`.

        Args:
            record: one of `videos(...)`.
            indices: frame numbers from 0 to `record.n_frames - 1`; may repeat.
            box: what to show of the frames.
            scratch: memory to read into.
        """
        path, shape = self.root / record.file, (record.height, record.width)
        return read_box(path, self.manifest.store, indices, box, shape=shape, scratch=scratch)

    def check_split(self, *, name: str, split: str, force: bool = False) -> None:
        """Refuse to evaluate a model of another split of this data set.

        Its training videos are this split's test videos: UCF101 models score 99 % that way.

        Args:
            name: the data set that the model was trained on.
            split: its split.
            force: evaluate all the same.
        """
        if name == self.name and split != self.split and not force:
            msg = (
                f"{self.root}: the model was trained on split {split!r} of {name}, this is split "
                f"{self.split!r}, whose test videos it was trained on; prepare split {split!r}, or "
                "evaluate all the same with force_split=true"
            )
            raise DataError(msg)


def find_prepared(root_path: str | os.PathLike[str], dataset: str | None = None) -> PreparedDataset:
    """Open the prepared data set of that name below a folder, or the newest one.

    Raises:
        DataError: there is none; the message names the command that makes it.
    """
    root_path = Path(root_path)
    if dataset is not None:
        check_dataset_name(dataset)
        return _opened(root_path / dataset)
    folders = _prepared_folders(root_path)
    if not folders:
        msg = (
            f"{root_path}: no prepared data there{_looked_for(root_path)}; "
            f"make it with {prepare_command()}"
        )
        raise DataError(msg)
    return _opened(folders[0])


def find_prepared_of(root_path: Path, *, name: str, digest: str) -> PreparedDataset:
    """Open what a network was trained on: that very data, else its name's newest, else the newest.

    Args:
        root_path: folder that prepared data sets lie in.
        name: of the data set.
        digest: of the data.

    Raises:
        DataError: nothing is prepared there.
    """
    named = []
    for folder in _prepared_folders(root_path):
        with contextlib.suppress(DataError):
            found = PreparedDataset.open(folder)
            if found.name == name:
                named.append(found)
    same = [found for found in named if found.digest == digest]
    fitting = [*same, *named]
    return _opened(fitting[0].root) if fitting else find_prepared(root_path)


def _prepared_folders(root_path: Path) -> list[Path]:
    """Return the folders of prepared data sets, the newest first."""
    manifests = root_path.glob(f"*/{MANIFEST_NAME}")
    newest_last = sorted(manifests, key=lambda path: (path.stat().st_mtime_ns, path))
    return [path.parent for path in reversed(newest_last)]


def _looked_for(path: Path) -> str:
    """Return where a relative path was looked for: `mlflow run` may have changed the folder."""
    return "" if path.is_absolute() else f" (looked for in {path.resolve()})"


def _opened(root: Path) -> PreparedDataset:
    """Open a data set to work on, the names in which must not fail at the end of the work."""
    dataset = PreparedDataset.open(root)
    check_dataset_name(dataset.name)
    for label in dataset.labels:
        check_label(label)
    return dataset
