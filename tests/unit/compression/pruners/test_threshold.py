"""Structures against a threshold."""

from __future__ import annotations

from prune_context import context

from vcc.compression.pruners.threshold import StructurePruner


def test_each_weight_has_its_own_threshold_and_group() -> None:
    pruner = StructurePruner({"w": (1.0, "Rows"), "v": (3.5, "Cols")}, "Max")
    rows = [[1.0, -1.0], [2.0, 0.0]]
    masks = pruner.new_masks(context(w=rows, v=[[3.0, 4.0], [0.0, 0.0]]))
    assert pruner.targets == ("w", "v")
    assert masks["w"].tolist() == [[False, False], [True, True]]
    assert masks["v"].tolist() == [[False, True], [False, True]]
