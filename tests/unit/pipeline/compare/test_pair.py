"""Which two versions are looked at closely."""

from __future__ import annotations

from dataclasses import replace

import pytest
from compared_registry import BASE, DENSE

from vcc.errors import TrackingError
from vcc.pipeline.compare.pair import choose_pair
from vcc.pipeline.compare.versions import ComparedVersion

Read = tuple[ComparedVersion, ...]


def chosen(read: Read, before: str | None = None, after: str | None = None) -> str:
    change = choose_pair(read, before=before, after=after)
    return change.title.replace("toy-motion/", "") if change else ""


def test_the_challenger_and_its_parent_come_first(read: Read) -> None:
    assert chosen(read) == "2 to 3"
    # Then the champion, whose parent it is.
    assert chosen(read[:2]) == "1 to 2"
    # Its parent is not among them.
    assert chosen((read[0], read[2])) == "1 to 3"
    assert chosen(read[:1]) == chosen(read[1:2]) == ""


@pytest.mark.parametrize("before", ["1", "toy-motion/1", f"{BASE}/1", DENSE])
@pytest.mark.parametrize("after", ["champion", f"models:/{BASE}@champion"])
def test_they_can_be_named(read: Read, before: str, after: str) -> None:
    assert chosen(read, before, after) == "1 to 2"


def test_a_name_that_says_too_little_is_refused(read: Read) -> None:
    with pytest.raises(TrackingError, match="before: none of the versions is '7': give a number"):
        chosen(read, before="7")
    with pytest.raises(TrackingError, match="before: toy-motion/3 is after, too"):
        chosen(read, before="challenger")
    with pytest.raises(TrackingError, match="after: toy-motion/1 was made from none"):
        chosen(read, after="1")
    other = replace(read[1], version=replace(read[1].version, name="vcc-other"))
    with pytest.raises(TrackingError, match="after: '2' is one of several: toy-motion/2, other/2"):
        chosen((*read, other), after="2")
