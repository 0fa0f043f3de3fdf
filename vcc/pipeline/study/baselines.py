"""What answers that never look at a video score, and which networks are no better than they."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence

from vcc.config.yaml_files.study_matrix import DENSE
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.study.results import CellResult
from vcc.evaluation.study.robustness import accuracy
from vcc.pipeline.evaluate.step import largest_class_share
from vcc.pipeline.train.baselines import baseline_answers, resolutions_of


def baseline_notes(
    dataset: PreparedDataset, parts: Sequence[PreparedDataset], results: Sequence[CellResult]
) -> list[str]:
    """Return what answers that never look at a video score, as sentences of the report.

    Args:
        dataset: all videos.
        parts: them in the subsets of each split or fold, whose test videos are put together; none
            where seeds are repeated.
        results: cells; the dense networks among them that are not above those answers are named.
    """
    if not parts:
        share = largest_class_share(dataset)
        note = f"Always naming the largest class scores {share:.1%}."
        return [note, *_not_above(results, {"the largest class": share})]
    resolutions = resolutions_of(dataset)
    right, n_videos = [0, 0], 0
    for part in parts:
        labels = [video.label for video in part.videos("test")]
        n_videos += len(labels)
        for number, answers in enumerate(baseline_answers(part, resolutions)):
            right[number] += sum(map(operator.eq, answers, labels))
    largest, resolution = (count / n_videos for count in right)
    note = (
        f"On the same {n_videos} videos, always naming the largest class scores "
        f"{largest:.1%}, and naming the class that the video's resolution mostly has "
        f"{resolution:.1%}."
    )
    shares = {"the largest class": largest, "resolution alone": resolution}
    return [note, *_not_above(results, shares)]


def _not_above(results: Sequence[CellResult], shares: Mapping[str, float]) -> list[str]:
    """Return a sentence per baseline that names the dense networks not above it."""
    answers: dict[str, list[str]] = {}
    for result in results:
        if result.method == DENSE:
            answers.setdefault(result.model, []).append(result.right)
    notes = []
    for baseline, share in shares.items():
        below = [model for model, right in answers.items() if accuracy(right) <= share]
        if below:
            notes.append(f"Not above {baseline}: {', '.join(below)}.")
    return notes
