"""The table and its pass marks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vcc.evaluation.comparison import (
    PassMarks,
    Variant,
    as_markdown,
    as_text,
    clip_sentence,
    speed_up,
    table_rows,
    video_speed_up,
)

DENSE = Variant(
    name="dense",
    params=1_000_000,
    macs=500_000_000,
    size_bytes=4_000_000,
    sparsity=0.0,
    clip_top1=0.8,
    video_top1=0.90,
    test_videos=126,
    latency_p50_ms=30.0,
    latency_p95_ms=33.0,
    runtime="onnxruntime CPU",
)
SMALL = replace(
    DENSE, name="compressed", params=250_000, macs=125_000_000, video_top1=0.87, latency_p50_ms=20.0
)


def test_marks_that_are_just_reached_pass() -> None:
    # 0.90 - 0.87 is a little more than 0.03 in binary, and 30 / 20 is exactly 1.5.
    assert PassMarks().misses(DENSE, SMALL) == []


@pytest.mark.parametrize(
    ("dense", "small", "message"),
    [
        ({"test_videos": 99}, {}, "99 test videos, at least 100 wanted"),
        ({"video_top1": 0.84}, {"video_top1": 0.84}, "dense video top-1 84.0%"),
        ({}, {"video_top1": 0.86}, "dropped 4.0 points, at most 3 allowed"),
        ({}, {"macs": 500_000_000}, "no channel was removed"),
        ({}, {"params": 1_000_000}, "no channel was removed"),
        ({}, {"runtime": "OpenVINO CPU f32"}, "not comparable"),
        ({}, {"latency_p50_ms": 20.2}, "1.49x faster at p50, at least 1.5x wanted"),
        ({}, {"latency_p50_ms": float("nan")}, "nanx faster"),
    ],
)
def test_each_mark_can_be_missed(
    dense: dict[str, object], small: dict[str, object], message: str
) -> None:
    misses = PassMarks().misses(replace(DENSE, **dense), replace(SMALL, **small))
    assert len(misses) == 1
    assert message in misses[0]


def test_all_misses_are_told_at_once() -> None:
    broken = replace(SMALL, video_top1=0.5, latency_p50_ms=60.0)
    assert len(PassMarks().misses(DENSE, broken)) == 2


def test_speed_up_is_dense_over_variant() -> None:
    assert speed_up(DENSE, SMALL) == pytest.approx(1.5)
    assert speed_up(DENSE, DENSE) == 1.0


def test_the_table_shows_every_figure() -> None:
    rows = table_rows([DENSE, SMALL])
    cells = {row[0]: row[1:] for row in rows[1:]}
    assert cells["parameters"] == ["1,000,000", "250,000"]
    assert cells["MACs per clip"] == ["500.0 M", "125.0 M"]
    assert cells["file size"] == ["4.00 MB", "4.00 MB"]
    assert cells["video top-1"] == ["90.0% of 126", "87.0% of 126"]
    assert cells["latency p50"] == ["30.00 ms", "20.00 ms"]
    assert cells["speed-up at p50"] == ["1.00x", "1.50x"]
    text = as_text(rows).splitlines()
    assert len({len(line) for line in text if line}) <= 2
    assert as_markdown(rows).splitlines()[1] == "| --- | ---: | ---: |"


def test_names_do_not_break_a_markdown_table() -> None:
    rows = [["", "a|b"], ["two\nlines", "1"]]
    assert as_markdown(rows).splitlines() == ["|  | a\\|b |", "| --- | ---: |", "| two lines | 1 |"]


def test_the_speed_up_has_the_spread_of_its_rounds() -> None:
    dense = replace(DENSE, rounds_ms=tuple(range(30, 41)))
    cells = {
        row[0]: row[1:] for row in table_rows([dense, replace(SMALL, rounds_ms=(20.0,) * 11)])[1:]
    }
    assert cells["in 8 rounds of 10"] == ["", "1.55-1.95x"]
    for variants in ([DENSE, SMALL], [dense, SMALL]):
        assert "in 8 rounds of 10" not in {row[0] for row in table_rows(variants)}


class TestOtherClips:
    DENSE = replace(DENSE, clip="8x48x48", clips_per_video=3.0)
    # half the frames at the same stride: a clip is cheap, and a video takes twice as many
    SHORT = replace(
        SMALL, clip="4x48x48", clips_per_video=6.0, params=DENSE.params, latency_p50_ms=15.0
    )

    def test_the_table_says_which_and_what_a_video_costs(self) -> None:
        cells = {row[0]: row[1:] for row in table_rows([self.DENSE, self.SHORT])}
        assert cells["clip"] == ["8x48x48", "4x48x48"]
        assert cells["clips per test video"] == ["3.00", "6.00"]
        assert cells["MACs per test video"] == ["1,500.0 M", "750.0 M"]
        assert cells["speed-up at p50"] == ["1.00x", "2.00x"]
        assert cells["speed-up per test video"] == ["1.00x", "1.00x"]

    def test_of_equal_clips_it_says_nothing(self) -> None:
        titles = {row[0] for row in table_rows([DENSE, SMALL])}
        assert titles.isdisjoint({"clip", "clips per test video", "speed-up per test video"})
        assert clip_sentence(DENSE, SMALL) == ""

    def test_a_video_s_speed_counts_its_clips(self) -> None:
        assert video_speed_up(self.DENSE, self.SHORT) == pytest.approx(1.0)
        assert video_speed_up(DENSE, SMALL) == speed_up(DENSE, SMALL)
        said = clip_sentence(self.DENSE, self.SHORT)
        assert "Its clips are 4x48x48, the dense network's 8x48x48" in said
        assert "6.00 of them against 3.00" in said
        assert "750.0 of 1,500.0 million" in said
        assert said.endswith("1.00 times as fast.")

    def test_marks_are_held_to_the_video_and_ask_for_no_channels(self) -> None:
        (miss,) = PassMarks().misses(self.DENSE, self.SHORT)
        assert miss == "1.00x faster at p50, at least 1.5x wanted"
        strided = replace(self.SHORT, clips_per_video=3.0)
        assert PassMarks().misses(self.DENSE, strided) == []
