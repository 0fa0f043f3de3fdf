"""A file classifies videos: mean softmax of all clips, batched, and refusals that name the reason.

What the served model makes of it is in test_tracking_video_model.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_videos import smooth_frames, write_video
from serving_toys import LABELS, export_toy

from vcc.config.serving import ServingOptions
from vcc.data.decoding.errors import BadVideoError
from vcc.errors import ExportError
from vcc.tracking import video_classifier
from vcc.tracking.video_classifier import VideoClassifier, VideoPrediction, shown


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> VideoClassifier:
    graph = export_toy(tmp_path_factory.mktemp("toy"))
    return VideoClassifier(graph, provider="cpu", threads=1, limits=ServingOptions())


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "a.avi", smooth_frames(22, seed=0))


def test_labels_come_with_their_scores_the_highest_first(
    classifier: VideoClassifier, video: Path
) -> None:
    found = classifier.classify(video)
    assert sorted(found.labels) == sorted(LABELS)
    assert list(found.scores) == sorted(found.scores, reverse=True)
    assert sum(found.scores) == pytest.approx(1)
    assert found.clips > 1
    assert found.best(2) == list(zip(found.labels, found.scores, strict=True))[:2]
    assert classifier.classify(video, n_clips=1).clips == 1
    assert classifier.classify_bytes(video.read_bytes()) == found


def test_clips_in_several_runs_give_the_same_scores(
    classifier: VideoClassifier, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = classifier.classify(video)
    monkeypatch.setattr(video_classifier, "_CLIPS_PER_RUN", 2)
    in_turn = classifier.classify(video)
    assert (in_turn.labels, in_turn.clips) == (at_once.labels, at_once.clips)
    assert in_turn.scores == pytest.approx(at_once.scores, abs=1e-6)


def test_what_gives_no_result_is_refused(
    classifier: VideoClassifier, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadVideoError, match="empty"):
        classifier.classify_bytes(b"")
    with pytest.raises(BadVideoError):
        classifier.classify_bytes(b"no video")
    monkeypatch.setattr(
        classifier._session, "run", lambda pixels: np.full((len(pixels), 5), np.nan, np.float32)
    )
    with pytest.raises(BadVideoError, match="answers NaN or infinity"):
        classifier.classify(video)


def test_the_name_of_its_copy_is_not_told_to_who_sent_a_video(
    classifier: VideoClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _n_clips: int) -> None:
        msg = f"not a readable video: file:{path}: no such stream"
        raise BadVideoError(msg)

    monkeypatch.setattr(classifier, "_classify", refuse)
    with pytest.raises(BadVideoError, match="^not a readable video: file:the video: no such"):
        classifier.classify_bytes(b"anything")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"no graph")
    with pytest.raises(ExportError, match="other.onnx"):
        VideoClassifier(tmp_path / "other.onnx", provider="cpu", limits=ServingOptions())


def test_predictions_are_shown_on_one_line() -> None:
    prediction = VideoPrediction(labels=("a", "b"), scores=(0.75, 0.25), clips=3)
    assert shown(prediction.best(5)) == "a 75.0%, b 25.0%"


def test_a_timeline_has_each_clip_with_its_time(
    classifier: VideoClassifier, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_classifier, "_CLIPS_PER_RUN", 2)
    timeline = classifier.timeline(video)
    whole = classifier.classify(video)
    assert timeline.prediction() == whole
    assert timeline.scores.shape == (whole.clips, len(LABELS))
    window = classifier.protocol.window
    # 22 frames at 25 a second; the last clip is a short one.
    assert timeline.fps == 25
    assert timeline.bounds[:2] == (0, window / 25)
    assert timeline.bounds[-1] == 22 / 25
    assert len(timeline.bounds) == whole.clips + 1
    ((label, score),) = timeline.best(0, 1)
    assert score == timeline.scores[0].max() == timeline.scores[0][LABELS.index(label)]


def test_frames_are_those_that_were_classified(classifier: VideoClassifier, video: Path) -> None:
    frames = list(classifier.frames(video))
    assert [frame.shape for frame in frames] == [(36, 48, 3)] * 22
