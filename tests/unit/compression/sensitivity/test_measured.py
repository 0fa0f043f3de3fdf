"""What a network's accuracy is told as."""

from __future__ import annotations

import dataclasses

import pytest

from vcc.compression.sensitivity.measured import EvalResult


def test_results_are_values_that_nobody_changes() -> None:
    found = EvalResult(0.25, 0.75, 1.5)
    assert (found.top1, found.top5, found.loss) == (0.25, 0.75, 1.5)
    assert found == EvalResult(top1=0.25, top5=0.75, loss=1.5)
    # Curves keep them by sparsity, and take the best of them again.
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.top1 = 1.0  # type: ignore[misc]
