"""Labels for files: as CSV or JSON, bad videos named and passed over, an output tried first."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from data_videos import smooth_frames, write_video
from timelines import toy_timeline

from vcc.config.entrypoints import PredictEntry
from vcc.data.decoding.errors import BadVideoError
from vcc.errors import ConfigError, DataError
from vcc.pipeline.commands import predict as command
from vcc.tracking.video_classifier import Timeline, VideoPrediction


class Classifier:
    """Says the same of every video, and nothing of files called bad."""

    runtime = "toy CPU"

    def __init__(self, path: Path, **words: Any) -> None:
        self.path, self.words = path, words

    def classify(self, path: Path, *, n_clips: int) -> VideoPrediction:
        if path.stem.startswith("bad"):
            msg = "zero frames"
            raise BadVideoError(msg)
        return VideoPrediction(labels=("run", "=walk"), scores=(0.75, 0.25), clips=n_clips or 3)

    def timeline(self, path: Path) -> Timeline:
        self.classify(path, n_clips=0)
        return toy_timeline()

    def frames(self, path: Path) -> Iterator[Any]:
        yield from smooth_frames(6)


@pytest.fixture
def videos(opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a good video and a bad one."""
    opened(command)
    monkeypatch.setattr(command, "VideoClassifier", Classifier)
    folder = tmp_path / "videos"
    folder.mkdir()
    frames = smooth_frames(3)
    write_video(folder / "a.avi", frames)
    write_video(folder / "bad.avi", frames)
    return folder


def options(videos: Path | None, output: Path, **more: Any) -> PredictEntry:
    return PredictEntry(**{"videos": videos, "output": output, "source": "net.onnx", **more})


def test_a_table_has_labels_scores_and_errors(
    videos: Path, tmp_path: Path, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "made" / "out.csv"
    command.run_predict(options(videos, output, top_k=2))
    with output.open(newline="") as file:
        header, good, bad = csv.reader(file)
    assert header == ["video", "clips", "label_1", "score_1", "label_2", "score_2", "error"]
    # A spreadsheet would compute what begins with =.
    assert good == ["a.avi", "3", "run", "0.750000", "'=walk", "0.250000", ""]
    assert bad == ["bad.avi", "0", "", "", "", "", "zero frames"]
    assert (run.metrics["videos"], run.metrics["videos_bad"]) == ([2], [1])
    assert run.tags["source"] == "net.onnx"
    assert run.files == ["out.csv"]
    said = capsys.readouterr().out
    assert said.startswith("1 of 2 videos classified by net.onnx in")
    assert "  bad video 'bad.avi': zero frames\n" in said


def test_json_has_the_form_of_evaluation_s(videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.json"
    command.run_predict(options(videos / "a.avi", output, top_k=1, n_clips=1))
    assert json.loads(output.read_text()) == {
        "source": "net.onnx",
        "results": {"a.avi": [{"label": "run", "score": 0.75}]},
        "errors": {},
    }


def test_not_a_single_good_video_is_an_error_with_the_report_written(
    videos: Path, tmp_path: Path
) -> None:
    (videos / "a.avi").unlink()
    output = tmp_path / "out.csv"
    with pytest.raises(DataError, match="none of 1 videos could be classified"):
        command.run_predict(options(videos, output))
    assert "zero frames" in output.read_text()


def test_many_bad_videos_are_not_all_printed(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(command, "_SHOWN", 1)
    for name in ("bad2.avi", "bad3.avi"):
        (videos / name).write_bytes((videos / "bad.avi").read_bytes())
    command.run_predict(options(videos, tmp_path / "out.csv"))
    assert "  and 2 more, all in " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["out.txt", "out", "folder.csv", "file/out.csv"])
def test_an_output_that_cannot_be_written_is_refused_first(
    videos: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="^output: "):
        command.run_predict(options(videos, tmp_path / name))
    with pytest.raises(ConfigError, match="videos: needed"):
        command.run_predict(options(None, tmp_path / "out.csv"))


def test_without_a_source_the_only_champion_answers(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    asked: list[Any] = []

    def version_by(name: str, alias: str) -> Any:
        asked.append((name, alias))
        return SimpleNamespace(uri="models:/net-video/2")

    monkeypatch.setattr(command, "only_name_with", lambda alias, option: f"net with {alias}")
    monkeypatch.setattr(command, "version_by", version_by)
    monkeypatch.setattr(command, "graph_version", lambda v: SimpleNamespace(uri="models:/net/2"))
    monkeypatch.setattr(command, "download_graph", lambda version, into: into / "model.onnx")
    command.run_predict(options(videos, tmp_path / "out.csv", source=None))
    assert asked == [("net with champion", "champion")]
    assert run.tags["source"] == "models:/net/2"


def test_scores_over_time_and_labelled_videos_are_written_when_asked_for(
    videos: Path, tmp_path: Path, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    output, folder = tmp_path / "out.csv", tmp_path / "labelled"
    command.run_predict(options(videos, output, timeline=True, annotate=folder, top_k=1))
    with output.open(newline="") as file:
        _, good, bad = csv.reader(file)
    # The mean of both clips.
    assert good == ["a.avi", "2", "run", "0.562500", ""]
    assert bad[-1] == "zero frames"
    assert len((tmp_path / "out.timeline.csv").read_text().splitlines()) == 3
    assert [path.name for path in folder.iterdir()] == ["a.avi.mp4"]
    assert run.files[:3] == ["out.csv", "out.timeline.csv", "out.timeline.json"]
    assert f"wrote {folder.resolve()}" in capsys.readouterr().out


def test_options_that_contradict_each_other_are_refused_first(videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    with pytest.raises(ConfigError, match="n_clips: timeline and annotate look at all clips"):
        command.run_predict(options(videos, output, timeline=True, n_clips=2))
    assert not output.exists()
