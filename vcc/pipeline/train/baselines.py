"""What answers that look at no frame score on a data set: the largest class, the resolution."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from vcc.data.store.manifest import VideoRecord
from vcc.data.store.prepared import PreparedDataset
from vcc.data.store.sources import source_sizes
from vcc.evaluation.baselines import Size, predict_by_resolution, predict_largest_class

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resolutions:
    """Width and height per video id, and whether they are the sources' own."""

    sizes: dict[str, Size]
    of_sources: bool

    def of(self, videos: Sequence[VideoRecord]) -> list[Size]:
        """Return each video's width and height in pixels."""
        return [self.sizes[video.id] for video in videos]


def baseline_answers(
    fold: PreparedDataset, resolutions: Resolutions
) -> tuple[list[int], list[int]]:
    """Return what the largest class, and resolution alone, answer for a fold's test videos."""
    # Baselines have nothing to choose by dev: they may learn from it.
    known = [*fold.videos("train"), *fold.videos("dev")]
    asked = fold.videos("test")
    labels = [record.label for record in known]
    by_resolution = predict_by_resolution(resolutions.of(known), labels, resolutions.of(asked))
    # Of all videos: where classes are nearly as large, the largest of the training folds is the
    # smallest of the held-out one, and to beat its constant mistake would be no merit.
    every = [record.label for record in fold.manifest.videos]
    return predict_largest_class(every, len(asked)), by_resolution


def resolutions_of(dataset: PreparedDataset) -> Resolutions:
    """Return the resolution of every video: of its source where `prepare` recorded that."""
    videos = dataset.manifest.videos
    sizes = source_sizes(dataset.root, videos)
    if sizes is None:
        _logger.warning(
            "%s does not say how large its source videos were: the baseline `resolution` uses the "
            "stored frames' size, which says less: prepare the data again",
            dataset.name,
        )
    stored = [(video.width, video.height) for video in videos]
    ids = [video.id for video in videos]
    return Resolutions(dict(zip(ids, sizes or stored, strict=True)), sizes is not None)
