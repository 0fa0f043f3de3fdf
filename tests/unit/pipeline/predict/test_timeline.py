"""Scores over time are written beside the table."""

from __future__ import annotations

import json
from pathlib import Path

from timelines import toy_timeline

from vcc.pipeline.predict.timeline import write_timelines


def test_a_row_for_each_clip_and_a_picture_for_each_video(tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    found = {"sub/a.avi": toy_timeline(), "b.avi": toy_timeline()}
    table, record, pictures = write_timelines(found, output, top_k=1)
    assert table == tmp_path / "out.timeline.csv"
    assert table.read_text().splitlines()[:3] == [
        "video,begin_s,end_s,label_1,score_1",
        "sub/a.avi,0.000,0.400,'=walk,0.750000",
        "sub/a.avi,0.400,0.600,run,0.875000",
    ]
    assert json.loads(record.read_text())["b.avi"] == [
        {"begin_s": 0.0, "end_s": 0.4, "scores": [{"label": "=walk", "score": 0.75}]},
        {"begin_s": 0.4, "end_s": 0.6, "scores": [{"label": "run", "score": 0.875}]},
    ]
    assert sorted(path.name for path in pictures.rglob("*.png")) == ["a.avi.png", "b.avi.png"]


def test_of_no_good_video_there_are_tables_without_rows(tmp_path: Path) -> None:
    table, record, pictures = write_timelines({}, tmp_path / "out.csv", top_k=3)
    assert table.read_text() == "video,begin_s,end_s\n"
    assert json.loads(record.read_text()) == {}
    assert not pictures.exists()
