"""The page holds everything that is known, in one file."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from vcc.pipeline.compare.changes import Change
from vcc.pipeline.compare.page import compare_page, summary_of
from vcc.pipeline.compare.versions import ComparedVersion

Read = tuple[ComparedVersion, ...]
CHANGE = [
    "Change: toy-motion/1 to toy-motion/2",
    "Change: schedule",
    "Change: accuracy of each class",
    "Change: videos whose answer changed",
]


def titles(page: str) -> list[str]:
    return re.findall(r"<h2>([^<]+)</h2>", page)


@pytest.mark.usefixtures("registry")
def test_the_page_has_every_part_and_loads_nothing(read: Read) -> None:
    change = Change(before=read[0], after=read[1])
    page = compare_page(read, title="Versions of toys", change=change, facts={"run": "r1"})
    assert titles(page) == [
        "Accuracy and cost", "Latency on each runtime", "Lineage", "Verdicts of the gate", *CHANGE,
    ]  # fmt: skip
    # Cost, lineage, classes and a video that flipped.
    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r"https?://|<link|<script|@import", page)
    assert ">52.9% to 97.8%</td>" in page
    assert "+    class: L1RankedStructureParameterPruner" in page


def test_data_sets_have_a_picture_each(read: Read) -> None:
    tags = {**read[2].version.tags, "data_digest": "e" * 40, "dataset": "other"}
    moved = replace(read[2], version=replace(read[2].version, tags=tags))
    page = compare_page([*read[:2], moved], title="Versions", change=None, facts={})
    assert titles(page)[:2] == [
        "Accuracy and cost on motion (dddddddd)",
        "Accuracy and cost on other (eeeeeeee)",
    ]


def test_a_network_that_was_only_trained_has_a_page(read: Read) -> None:
    version = replace(read[0].version, tags={"role": "dense"})
    bare = replace(read[0], version=version, graph=None, times={}, evaluated=None)
    page = compare_page([bare], title="Versions", change=None, facts={})
    assert titles(page) == ["Lineage", "Verdicts of the gate"]
    assert "No version was held to a gate" in page


def test_the_summary_counts_and_names(read: Read) -> None:
    assert summary_of(read) == (
        "3 versions: 1 dense, 2 compressed; 3 were evaluated, 3 exported. Champion: toy-motion/2. "
        "Beaten by no other in both accuracy and latency on its runtime: toy-motion/1, "
        "toy-motion/3. All figures are those of earlier runs; nothing was measured for this page."
    )
    assert "There is no champion." in summary_of(read[:1])
