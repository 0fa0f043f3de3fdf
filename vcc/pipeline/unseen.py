"""Refuses an accuracy on the videos of a training, whatever their data set is called."""

from __future__ import annotations

import logging
from typing import Any

from vcc.data.contents import seen_videos
from vcc.data.prepared import PreparedDataset
from vcc.errors import DataError

_logger = logging.getLogger(__name__)

_NAMED = 3


def overlap(train_videos: Any, dataset: PreparedDataset, *, who: str) -> str | None:
    """Return in words which test videos a network was trained on, None where there are none.

    Args:
        train_videos: of its card; None where the card is older than that: a warning.
        dataset: its test videos are looked at.
        who: the network, for messages.

    Raises:
        DataError: `train_videos` is not of a card's form.
    """
    if train_videos is None:
        _logger.warning(
            "%s: does not say which videos it was trained on (it is older than that): whether test "
            "videos of %s are among them is not known; train it again to be sure",
            who,
            dataset.name,
        )
        return None
    seen = seen_videos(str(train_videos), dataset)
    if not seen:
        return None
    names = ", ".join(map(repr, seen[:_NAMED])) + (", ..." if len(seen) > _NAMED else "")
    return (
        f"{who} was trained on {len(seen)} of the {len(dataset.videos('test'))} test videos of "
        f"{dataset.name}: {names}"
    )


def check_unseen(train_videos: Any, dataset: PreparedDataset, *, who: str, force: bool) -> bool:
    """Return whether a network was trained on test videos; raise that as an error unless forced.

    Raises:
        DataError: it was, and `force` is false.
    """
    found = overlap(train_videos, dataset, who=who)
    if found is None:
        return False
    if not force:
        msg = (
            f"{found}: the figure would say nothing; test on videos it never saw, or evaluate all "
            "the same with force_split=true"
        )
        raise DataError(msg)
    _logger.warning("%s", found)
    return True
