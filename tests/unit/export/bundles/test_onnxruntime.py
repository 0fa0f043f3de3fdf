"""The folder for ONNX Runtime is the file as it is, and a script of its own."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from bundle_files import bundled, script_of, write_served_graph
from data_videos import smooth_frames, write_video

from vcc.config.serving import ServingOptions
from vcc.tracking.video_classifier import VideoClassifier


def test_it_answers_as_predict_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_served_graph(tmp_path / "m.onnx")
    folder = bundled("onnxruntime", file, tmp_path / "bundle")
    assert (folder / "model.onnx").read_bytes() == file.read_bytes()
    # Grey with a little colour: the means of the three colours lie close together.
    video = write_video(tmp_path / "v.avi", smooth_frames(5) // 64 + 100)
    answer = script_of(folder, monkeypatch)["classify"](str(video))
    found = VideoClassifier(file, provider="cpu", threads=1, limits=ServingOptions()).classify(
        video
    )
    assert answer["clips"] == found.clips == 3
    scores = {each["label"]: each["score"] for each in answer["results"]}
    assert scores == pytest.approx(dict(zip(found.labels, found.scores, strict=True)), abs=0.02)


def test_it_needs_three_packages(tmp_path: Path) -> None:
    folder = bundled("onnxruntime", write_served_graph(tmp_path / "m.onnx"), tmp_path / "bundle")
    tree = ast.parse((folder / "infer.py").read_text())
    names = {
        each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names
    }
    assert names - set(sys.stdlib_module_names) == {"av", "numpy", "onnxruntime"}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
