"""Two networks on the same videos: what flipped, and whether by chance."""

from __future__ import annotations

import pytest
from scored_videos import LABELS, VIDEOS, scored

from vcc.errors import DataError
from vcc.evaluation.paired import compare_paired, mcnemar_p
from vcc.evaluation.predictions import prediction_rows


@pytest.mark.parametrize(
    ("lost", "gained", "p"),
    # 2 * (1 + 10 + 45) / 2**10; 2 * 1 / 2**5; an even split says nothing.
    [(0, 0, 1.0), (5, 0, 0.0625), (2, 8, 0.109375), (8, 2, 0.109375), (3, 3, 1.0)],
)
def test_mcnemar_is_a_binomial_test(lost: int, gained: int, p: float) -> None:
    assert mcnemar_p(lost, gained) == pytest.approx(p)


def test_paired_comparison_finds_the_flips() -> None:
    before = prediction_rows(scored(0, 0, 1, 0), videos=VIDEOS, labels=LABELS)
    after = prediction_rows(scored(0, 1, 0, 2), videos=VIDEOS, labels=LABELS)
    paired = compare_paired(before, after)
    assert {flip.before.video for flip in paired.flips} == {"v2", "v3", "v4"}
    assert (paired.lost, paired.gained) == (2, 1)
    assert paired.metrics()["video_top1_drop"] == pytest.approx(0.25)
    assert paired.metrics()["mcnemar_p"] == 1.0
    assert "2 that the dense network had right" in paired.sentence()


def test_other_videos_are_refused() -> None:
    before = prediction_rows(scored(0, 0, 1, 0), videos=VIDEOS, labels=LABELS)
    with pytest.raises(DataError, match="not the same videos"):
        compare_paired(before, list(reversed(before)))
