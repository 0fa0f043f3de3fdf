"""Descriptions of runs say what was done and what came out."""

from __future__ import annotations

from vcc.pipeline.notes import predicted_note, rolled_back_note


def test_predict_counts_what_it_classified() -> None:
    note = predicted_note("models:/x/1", "OpenVINO CPU", videos=7, bad=4, seconds=2.04)
    assert note == (
        "Classified 3 of 7 videos with models:/x/1 on OpenVINO CPU in 2.0 s; 4 could not be read."
    )


def test_a_rollback_names_both_and_why() -> None:
    note = rolled_back_note("models:/x/1", "models:/x/2", "too bold")
    assert note == "Gave champion back to models:/x/1 from models:/x/2: too bold."
    assert "from nobody" in rolled_back_note("models:/x/1", None, "why")
