"""Memory kept from clip to clip."""

from __future__ import annotations

import numpy as np

from vcc.data.clips.scratch import Scratch


def test_an_array_is_kept_by_name_and_grows() -> None:
    scratch = Scratch()
    large = scratch.array("a", 4, 5)
    assert large.shape == (4, 5)
    assert np.shares_memory(scratch.array("a", 2, 3), large)
    assert not np.shares_memory(scratch.array("b", 4, 5), large)
    larger = scratch.array("a", 7, 8)
    assert larger.shape == (7, 8)
    assert not np.shares_memory(larger, large)
    assert np.shares_memory(scratch.array("a", 56), larger)
