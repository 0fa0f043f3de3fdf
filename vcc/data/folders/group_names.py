"""What names of files and folders say of recordings that belong together, for a note.

Nothing is split by it: a name may mean something else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

_PERSON = (
    "person|people|subject|subj|actor|performer|participant|signer|user|patient|session|sess|day"
    "|recording|source"
)
# What a name has to match for its group; of several, the first that fits all names.
_PATTERNS = (
    # `person03_walking_d1.avi`, or a folder `subject 3`.
    re.compile(rf"(?<![a-z])(?P<group>(?:{_PERSON})[ _-]?[0-9]+)(?![0-9])"),
    # NTU RGB+D: setup, camera, performer, repetition, action.
    re.compile(r"s[0-9]{3}c[0-9]{3}(?P<group>p[0-9]{3})r[0-9]{3}a[0-9]{3}"),
    # Kinetics: a YouTube video, from and to which second.
    re.compile(r"(?:^|/)(?P<group>[\w-]{11})_[0-9]{6}_[0-9]{6}$"),
    # HMDB51: film and action, then what is seen of whom, from where, how well.
    re.compile(r"(?:^|/)(?P<group>[^/]+)_[fuhl]_(?:cm|nm)_np[0-9]_(?:fr|ba|le|ri)_\w+_[0-9]+$"),
    # `match7_clip03.mp4`.
    re.compile(r"(?:^|/)(?P<group>[^/]+)[ _-](?:clip|part|seg|segment|scene)[ _-]?[0-9]+$"),
)
_SHOWN = 3


def mixed_groups(videos: Sequence[tuple[str, str]], labels: int) -> list[str]:
    """Return a note if names show groups that a split has on both sides, else nothing.

    Args:
        videos: of each, its path below the folder of videos without suffix, and its subset.
        labels: how many classes there are; as few groups as that are the classes themselves.
    """
    sides = _sides(videos)
    if not labels < len(sides) < len(videos):
        return []
    mixed = sorted(group for group, subsets in sides.items() if len(subsets) > 1)
    if not mixed:
        return []
    more = [f"and {len(mixed) - _SHOWN} more"] if len(mixed) > _SHOWN else []
    named = ", ".join([*map(repr, mixed[:_SHOWN]), *more])
    return [
        f"perhaps a leak: names show {len(sides)} groups (persons, sessions or sources), of which "
        f"{len(mixed)} have videos both in training and in test: {named}; to keep each on one "
        "side, give a list with the columns path, label and group"
    ]


def _sides(videos: Sequence[tuple[str, str]]) -> Mapping[str, set[str]]:
    """Return the subsets of each group, by the first pattern that tells every video's."""
    for pattern in _PATTERNS:
        matches = [pattern.search(path.casefold()) for path, _ in videos]
        if all(matches):
            sides: dict[str, set[str]] = defaultdict(set)
            for match, (_, subset) in zip(matches, videos, strict=True):
                if match:
                    sides[match["group"]].add(subset)
            return sides
    return {}
