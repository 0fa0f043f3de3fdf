"""Real clips of UCF101: the official protocol counts every listed video."""

from __future__ import annotations

from pathlib import Path

import pytest

from vcc.config.data import PrepareOptions
from vcc.data.prepare.run import prepare
from vcc.data.store.prepared import PreparedDataset

ROOT = Path(__file__).resolve().parents[2]
CLASSES = "ApplyEyeMakeup,BaseballPitch,Basketball"
# Two of them with dropped frames: 96 and 138 are declared.
FRAMES = {
    "v_ApplyEyeMakeup_g01_c01": 164,
    "v_BaseballPitch_g01_c01": 107,
    "v_BaseballPitch_g07_c02": 135,
    "v_Basketball_g03_c01": 138,
    "v_Basketball_g16_c04": 90,
    "v_Basketball_g23_c01": 138,
}


@pytest.mark.parametrize("annotation", [ROOT / "annotation_UCF101", None])
def test_every_listed_video_is_kept(shared: Path, tmp_path: Path, annotation: Path | None) -> None:
    report = prepare(
        PrepareOptions(
            videos=shared / "videos" / "ucf101",
            annotation=annotation,
            classes=CLASSES,
            output=tmp_path / "data",
            # The lists name all clips of these classes.
            max_bad_share=1.0,
            dev_share=0.0,
            n_jobs=1,
        )
    )
    dataset = PreparedDataset.open(report.root)
    assert {video.id: video.n_frames for video in dataset.manifest.videos} == FRAMES
    assert dataset.labels == tuple(CLASSES.split(","))
    # Group 7 and below are tested on in split 1.
    assert (report.train, report.test) == (2, 4)
    assert all(bad.reason == "no such video file" for bad in report.bad)
    notes = "\n".join(report.notes)
    assert "'Basketball/v_Basketball_g16_c04.avi' (90 of 96)" in notes
    assert "'BaseballPitch/v_BaseballPitch_g07_c02.avi' (135 of 138)" in notes
    assert "leak: 1 test videos are equal to training videos" in notes
    assert "cut or damaged" not in notes
