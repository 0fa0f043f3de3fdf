"""What the sides of a split are called."""

from __future__ import annotations

import pytest

from vcc.data.annotations.subsets import is_split, our_subsets, subset_word, subsets_note


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("train", "train"), ("Training", "train"), ("TRAIN_256", "train"),
        ("videos_train", "train"),
        ("val", "val"), ("valid", "val"), ("Validation", "val"), ("dev", "val"), ("val-set", "val"),
        ("test", "test"), ("testing", "test"), ("testset", "test"), (" test ", "test"),
        ("trainer", None), ("contest", None), ("run", None), ("", None), ("training run", None),
    ],
)  # fmt: skip
def test_words(name: str, word: str | None) -> None:
    assert subset_word(name) == word


def test_val_is_what_is_tested_on_where_there_is_no_test() -> None:
    assert our_subsets({"train", "val"}) == {"train": "train", "val": "test"}
    three = our_subsets({"train", "val", "test"})
    assert three == {"train": "train", "val": "dev", "test": "test"}
    assert "dev_share is not used" in subsets_note("x", three)
    assert "val is what is tested on" in subsets_note("x", our_subsets({"train", "val"}))
    assert subsets_note("x", our_subsets({"train", "test"})) == "x are the split"


def test_a_split_has_two_sides() -> None:
    assert is_split({"train", "val"})
    assert is_split({"train", "test", None})
    assert not is_split({"train", None})
    assert not is_split({"val", "test"})
