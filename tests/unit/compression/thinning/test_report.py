"""What thinning says it did."""

from __future__ import annotations

import torch

from vcc.compression.thinning.report import ThinningReport, ThinningRow

ROWS = (
    ThinningRow("stem", channels=8, asked=4, masked=2, removed=2, left=2, why="2 are added to fc"),
    ThinningRow("layer1.0.conv1", channels=16, asked=8, masked=8, removed=8, left=0, why=""),
)


def test_it_is_a_table_with_its_total() -> None:
    report = ThinningReport(ROWS, {}, kernels={"layer1.0.conv1": (3, 1)})
    assert report.removed == 10
    lines = report.as_text().splitlines()
    assert lines[0].split() == ["layer", "channels", "asked", "masked", "removed", "left", "why"]
    assert lines[1].split(maxsplit=6)[1:] == ["8", "4", "2", "2", "2", "2 are added to fc"]
    assert lines[2].endswith(" 0")
    assert lines[3:] == ["layer1.0.conv1: kernel in time 3 -> 1", "10 of 24 channels removed"]


def test_a_network_that_stays_whole_says_why() -> None:
    assert ThinningReport((), {}, obstacle="a cycle").as_text() == (
        "the network stays whole: a cycle"
    )


def test_tensors_like_a_parameter_are_cut_as_it_was() -> None:
    report = ThinningReport(ROWS, {"w": {0: torch.tensor([0, 2])}})
    mask = torch.arange(6).reshape(3, 2)
    assert report.slice("w", mask).tolist() == [[0, 1], [4, 5]]
    assert report.slice("v", mask) is mask
    assert report.slice("w", mask[:1]).tolist() == [[0, 1]]
