"""What answers that never look at a video score on a study's data, as sentences of its report."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.evaluate.step import largest_class_share
from vcc.pipeline.train.baselines import baseline_answers, resolutions_of


def baseline_notes(dataset: PreparedDataset, parts: Sequence[PreparedDataset]) -> list[str]:
    """Return what answers that never look at a video score.

    Args:
        dataset: all videos.
        parts: them in the subsets of each split or fold, whose test videos are put together; none
            where seeds are repeated.
    """
    if not parts:
        return [f"Always naming the largest class scores {largest_class_share(dataset):.1%}."]
    resolutions = resolutions_of(dataset)
    right, n_videos = [0, 0], 0
    for part in parts:
        labels = [video.label for video in part.videos("test")]
        n_videos += len(labels)
        for number, answers in enumerate(baseline_answers(part, resolutions)):
            right[number] += sum(map(operator.eq, answers, labels))
    return [
        f"On the same {n_videos} videos, always naming the largest class scores "
        f"{right[0] / n_videos:.1%}, and naming the class that the video's resolution mostly has "
        f"{right[1] / n_videos:.1%}."
    ]
