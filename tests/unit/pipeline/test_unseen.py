"""No accuracy on the videos of a training."""

from __future__ import annotations

import logging

import pytest

from vcc.data.store.contents import training_contents
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import DataError
from vcc.pipeline import unseen
from vcc.pipeline.unseen import check_unseen, overlap


def test_videos_of_its_own_split_were_not_seen(dataset: PreparedDataset) -> None:
    contents = training_contents(dataset)
    assert overlap(contents, dataset, who="x") is None
    assert check_unseen(contents, dataset, who="x", force=False) is False


def test_an_older_card_is_a_warning(
    dataset: PreparedDataset, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert overlap(None, dataset, who="models:/x/1") is None
    assert "models:/x/1: does not say which videos it was trained on" in caplog.text


@pytest.mark.parametrize(("count", "named"), [(1, "'v0'"), (5, "'v0', 'v1', 'v2', ...")])
def test_seen_videos_are_counted_and_the_first_named(
    dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch, count: int, named: str
) -> None:
    seen = [f"v{number}" for number in range(count)]
    monkeypatch.setattr(unseen, "seen_videos", lambda *_: seen)
    total = len(dataset.videos("test"))
    found = overlap("contents", dataset, who="x")
    assert found == (
        f"x was trained on {count} of the {total} test videos of {dataset.name}: {named}"
    )


def test_only_force_measures_all_the_same(
    dataset: PreparedDataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unseen, "seen_videos", lambda *_: ["v"])
    with pytest.raises(DataError, match="the figure would say nothing; .*force_split=true"):
        check_unseen("contents", dataset, who="x", force=False)
    with caplog.at_level(logging.WARNING):
        assert check_unseen("contents", dataset, who="x", force=True) is True
    assert "x was trained on 1 of" in caplog.text
