"""Splits by whole groups: the guard, UCF101's rule and the seeded carve-outs."""

from __future__ import annotations

from collections import Counter

import pytest

from vcc.data.annotations.annotation import Entry
from vcc.data.annotations.names import group_of
from vcc.data.annotations.splits import check_groups, move_share, official_split
from vcc.errors import DataError


def entries(*, labels: str = "ab", groups: int = 10, clips: int = 2) -> list[Entry]:
    names = [
        (label, f"v_{label}_g{group:02d}_c{clip:02d}")
        for label in labels
        for group in range(1, groups + 1)
        for clip in range(1, clips + 1)
    ]
    return [Entry(name, label, "train", group_of(name)) for label, name in names]


def test_a_group_on_two_sides_is_refused() -> None:
    bad = [Entry("x", "a", "train", "g1"), Entry("y", "b", "test", "g1")]
    with pytest.raises(DataError, match="'g1' is on two sides .*'x' in train and 'y' in test"):
        check_groups(bad)
    check_groups([Entry("x", "a", "train", None), Entry("y", "b", "test", None)])


@pytest.mark.parametrize(("split", "test"), [(1, {1, 7}), (2, {8, 14}), (3, {15, 21})])
def test_official_split(split: int, test: set[int]) -> None:
    result = official_split(entries(groups=25), split)
    assert result is not None
    numbers = {int(str(e.group)[-2:]) for e in result if e.subset == "test"}
    assert len(numbers) == 7
    assert (min(numbers), max(numbers)) == (min(test), max(test))


def test_no_official_split_without_both_sides_or_numbers() -> None:
    assert official_split(entries(groups=7), 1) is None
    assert official_split([], 1) is None
    assert official_split([*entries(), Entry("clip", "a", "train", None)], 1) is None


def test_move_share_moves_whole_groups_of_every_label() -> None:
    before = entries(groups=10, clips=2)
    after = move_share(before, 0.2, source="train", target="dev", seed=1)
    assert [e.id for e in after] == [e.id for e in before]
    moved = [e for e in after if e.subset == "dev"]
    # Two of ten groups of two clips each, for both labels.
    assert Counter(e.label for e in moved) == {"a": 4, "b": 4}
    check_groups(after)
    assert after == move_share(before, 0.2, source="train", target="dev", seed=1)
    assert after != move_share(before, 0.2, source="train", target="dev", seed=2)


def test_move_share_of_groups_that_span_labels() -> None:
    before = [Entry(f"{label}{i}", label, "train", f"v{i}") for label in "ab" for i in range(5)]
    after = move_share(before, 0.2, source="train", target="dev", seed=0)
    moved = {e.group for e in after if e.subset == "dev"}
    assert len(moved) == 1
    check_groups(after)


def test_move_share_leaves_other_subsets_and_single_groups_alone() -> None:
    tested = [Entry("t", "a", "test", "T")]
    single = [Entry("x", "a", "train", "g"), Entry("y", "a", "train", "g")]
    assert move_share(tested + single, 0.5, source="train", target="dev", seed=0) == tested + single
    assert move_share(entries(), 0.0, source="train", target="dev", seed=0) == entries()
