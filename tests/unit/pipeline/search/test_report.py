"""Tables name what was tried, and the error of predictions counts all that was timed."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pytest
from search_found import found_of, outcome_of

from vcc.pipeline.search.report import (
    draw,
    error_line,
    finalists_rows,
    front_markdown,
    outcomes_csv,
    prediction_error,
)


def test_every_trial_has_a_row_with_all_of_its_parameters() -> None:
    found = found_of()
    rows = list(csv.DictReader(io.StringIO(outcomes_csv(found.outcomes))))
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["filters.a"] == "0.5"
    assert rows[0]["measured_ms"] == "4.0"
    assert (rows[2]["end"], rows[2]["dev_video_top1"]) == ("too costly", "")
    assert outcomes_csv([]).startswith("trial,end,predicted_ms")


def test_the_front_says_what_was_taken() -> None:
    lines = front_markdown(found_of()).splitlines()
    assert len(lines) == 4
    assert "| a 50% | stem of rank 0.25 | int8 | 3.00 | 4.00 |" in lines[2]
    assert lines[2].endswith("| yes |")
    assert lines[3].endswith("| no |")


def test_trials_that_differ_in_their_knobs_share_a_table() -> None:
    found = found_of()
    first, second, *_ = found.outcomes
    other = dataclasses.replace(
        second.candidate,
        ranks={"hidden": 1.0},
        taps=3,
        clip="8x32x32",
        stages={"stage1": True, "stage2": False},
    )
    outcomes = [first, dataclasses.replace(second, candidate=other)]
    rows = list(csv.DictReader(io.StringIO(outcomes_csv(outcomes))))
    assert [(row["rank.stem"], row["taps.stem"]) for row in rows] == [("0.25", ""), ("", "3")]
    line = front_markdown(dataclasses.replace(found, outcomes=outcomes)).splitlines()[3]
    assert "| stem over 3 frames, 8x32x32 | mixed, stage2 f32 |" in line


def test_finalists_stand_beside_the_dense_network() -> None:
    header, eager, dense, best = finalists_rows(found_of())
    assert header[0] == "network"
    assert eager[:4] == ["dense in PyTorch", "90.0", "40.00", "-"]
    assert dense[:4] == ["dense", "90.0", "10.00", "8.00"]
    assert best == ["trial0", "85.0", "4.00", "2.00", "10.00x", "2.50x"]


def test_errors_are_of_trials_and_files() -> None:
    found = found_of()
    middle, largest, count = prediction_error(found)
    assert (middle, largest, count) == (pytest.approx(0.25), pytest.approx(0.25), 2)
    assert error_line(found).startswith("predicted latencies of the 2 networks that were timed")
    nothing = dataclasses.replace(found, outcomes=[outcome_of(0, 3.0, 0.5)], finalists=())
    assert error_line(nothing).startswith("no candidate was timed")


def test_a_picture_is_written(tmp_path: Path) -> None:
    path = draw(found_of(), tmp_path / "front.png", title="x")
    assert path.read_bytes().startswith(b"\x89PNG")
