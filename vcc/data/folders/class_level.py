"""Whether the outer or the inner folders are the classes, where both could be.

`walk/day1/a.mp4` and `day1/walk/a.mp4` have the same shape: several outer folders hold inner ones
of the same names. Only the names tell which are the classes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

from vcc.data.annotations.names import listed
from vcc.errors import DataError

# Of the inner folders, the share that must be there under a name of several outer ones.
_LEAST_SHARED = 0.5
_PART_WORDS = (
    "day|date|week|session|sess|fold|subject|subj|sub|person|people|participant|actor|performer"
    "|signer|user|patient|part|cam|camera|view|angle|take|trial|rep|recording|rec|room|scene|site"
    "|location|group|set|batch|split|seq|sequence|clip|clips|video|videos|round|volume|disk"
)
# `day1`, `Person 03`, `cam-left`, `Videos-Part-2`, `2021-05-03`: no class is called so.
_PART = re.compile(
    rf"(.*[ _.-])?({_PART_WORDS})[ _.-]*([0-9]+|[a-d]|left|right|front|back|side|top)"
)
_DATE = re.compile(r"(19|20)[0-9]{2}[-_.]?[0-9]{2}[-_.]?[0-9]{2}([ _t-].*)?")
# How surely names are those of parts: a number may be a class's, too.
_NO, _PERHAPS, _SURE = range(3)


def part_grade(names: Collection[str]) -> int:
    """Return 2 if all names say a session, a person or the like, 1 if numbers do, 0 for classes."""
    plain = [name.strip().casefold() for name in names]
    if all(_PART.fullmatch(name) or _DATE.fullmatch(name) for name in plain):
        return _SURE
    return _PERHAPS if all(name.isdecimal() for name in plain) else _NO


def are_inner(folders: Sequence[tuple[str, ...]], root: Path, *, wanted: str) -> bool:
    """Return whether the second of the folders of each video is its class, else the first.

    Args:
        folders: of each video, from the outermost that may be a class.
        root: for messages.
        wanted: `outer` or `inner` where the user says it, `auto` where names are to tell it.

    Raises:
        DataError: names do not tell it, or there are no inner folders where they are wanted.
    """
    if wanted == "outer":
        return False
    if wanted == "inner":
        _check_inner(folders, root)
        return True
    outer = {each[0] for each in folders}
    if len(outer) < 2 or any(len(each) < 2 for each in folders):
        return False
    inner = {each[1] for each in folders}
    grades = part_grade(outer), part_grade(inner)
    if grades == (_SURE, _NO):
        return len(inner) > 1
    if grades[1] > grades[0] or not _are_shared(folders):
        return False
    msg = (
        f"{root}: the folders {listed(outer, most=3)} hold folders of the same names, such as "
        f"{listed(inner, most=3)}: say which are the classes by class_folders=outer or "
        "class_folders=inner"
    )
    raise DataError(msg)


def _are_shared(folders: Sequence[tuple[str, ...]]) -> bool:
    """Return whether several outer folders hold mostly inner ones of the same names."""
    inner: dict[str, set[str]] = defaultdict(set)
    for first, second, *_ in folders:
        inner[first].add(second)
    counts = Counter(name for names in inner.values() for name in names)
    shared = sum(count for count in counts.values() if count > 1)
    return len(counts) > 1 and shared >= _LEAST_SHARED * counts.total()


def _check_inner(folders: Sequence[tuple[str, ...]], root: Path) -> None:
    if short := next((each for each in folders if len(each) < 2), None):
        msg = (
            f"{root}: class_folders=inner, but videos lie in {'/'.join(short)!r} and no folder "
            "below it; move them to a class folder, or leave the option out"
        )
        raise DataError(msg)
