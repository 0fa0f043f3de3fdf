"""What a network must beat: answers that never look at a video's content.

The largest class, and a table of which class each resolution mostly has. On data collected from
several places resolution often gives the class away; a network that is not above it may have
learned the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

Size = tuple[int, int]


def predict_largest_class(train_labels: Sequence[int], n_videos: int) -> list[int]:
    """Return the most frequent training label for each of `n_videos`; ties go to the smaller one.

    Args:
        train_labels: of the training videos, at least one.
        n_videos: how many answers to give.
    """
    return [_most_frequent(train_labels)] * n_videos


def predict_by_resolution(
    train_sizes: Sequence[Size], train_labels: Sequence[int], sizes: Sequence[Size]
) -> list[int]:
    """Return the most frequent training label of each video's resolution.

    A resolution that no training video has gets the most frequent label of all.

    Args:
        train_sizes: width and height of the training videos, pixels.
        train_labels: their labels, at least one.
        sizes: width and height of the videos to answer for.
    """
    by_size: defaultdict[Size, list[int]] = defaultdict(list)
    for size, label in zip(train_sizes, train_labels, strict=True):
        by_size[size].append(label)
    table = {size: _most_frequent(labels) for size, labels in by_size.items()}
    otherwise = _most_frequent(train_labels)
    return [table.get(size, otherwise) for size in sizes]


def _most_frequent(labels: Sequence[int]) -> int:
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))
