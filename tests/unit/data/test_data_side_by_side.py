"""Calls made side by side."""

from __future__ import annotations

import time

import joblib
import pytest

from vcc.data.side_by_side import side_by_side
from vcc.errors import DataError


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_result_comes(n_jobs: int) -> None:
    found = side_by_side((joblib.delayed(pow)(number, 2) for number in range(5)), n_jobs=n_jobs)
    assert sorted(found) == [0, 1, 4, 9, 16]


def test_silence_is_one_line() -> None:
    calls = (joblib.delayed(time.sleep)(3600) for _ in range(2))
    with pytest.raises(DataError, match="no video was done in 0.0002"):
        list(side_by_side(calls, n_jobs=2, silence_s=1))
