"""Files say what they are; each is checked, timed in turns with the others, and scored."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mean_graph import write_mean_graph

from vcc.config.export import ExportOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.export.onnx_file import FILE_KEY
from vcc.export.runtimes.session import Coverage
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.export import step as module
from vcc.pipeline.export.step import export_networks, write_file


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the exporter, which takes seconds, is given; it writes a small file."""
    found: dict[str, Any] = {"halved": []}

    def export(classifier: Any, path: Path, **words: Any) -> Path:
        found.update(words, classifier=classifier)
        return write_mean_graph(path)

    monkeypatch.setattr(module, "export_onnx", export)
    monkeypatch.setattr(module, "half_precision", lambda path, to: found["halved"].append(path))
    return found


def write(network: Network, dataset: PreparedDataset, folder: Path, **options: Any) -> Path:
    return write_file(
        "dense", network, ExportOptions(**options), folder, dataset=dataset, run_id="r"
    )


def test_a_file_carries_its_card_its_frames_and_itself(
    written: dict[str, Any], network: Network, dataset: PreparedDataset, tmp_path: Path
) -> None:
    assert write(network, dataset, tmp_path, opset=21) == tmp_path / "dense.onnx"
    assert (written["clip_shape"], written["opset"]) == (network.card.clip_shape, 21)
    metadata = written["metadata"]
    assert metadata["labels"] == list(network.card.labels)
    assert metadata["stored_frames"] == {
        "short_side": dataset.manifest.short_side,
        "store": dataset.manifest.store,
        "fps": dataset.manifest.fps,
    }
    record = metadata[FILE_KEY]
    assert (record["run_id"], record["quant_target"], record["opset"]) == ("r", None, 21)
    assert record["params"] == size_figures(network)["params"]
    assert not written["halved"]


def test_half_precision_is_for_float_files(
    written: dict[str, Any], network: Network, dataset: PreparedDataset, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write(network, dataset, tmp_path, precision="f16")
    assert written["halved"] == [tmp_path / "dense.onnx"]
    monkeypatch.setattr(module, "read_plan", lambda model: SimpleNamespace(target="cpu"))
    write(network, dataset, tmp_path, precision="f16")
    record = written["metadata"][FILE_KEY]
    assert (record["precision"], record["quant_target"]) == ("int8", "cpu")
    assert len(written["halved"]) == 1


def test_all_files_are_opened_checked_timed_and_scored_together(
    written: dict[str, Any], network: Network, dataset: PreparedDataset, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    session = SimpleNamespace(coverage=lambda: Coverage(runtime="toy", nodes=None))
    given: dict[str, Any] = {}

    def open_together(paths: Any, options: Any, **words: Any) -> Any:
        given.update(words, opened=list(paths))
        return dict.fromkeys(paths, session)

    def timed(sessions: Any, shapes: Any, options: Any) -> Any:
        given["shapes"] = shapes
        return {name: f"latency of {name}" for name in sessions}

    def score(*_: Any, **words: Any) -> VideoScores:
        given["subset"] = words["subset"]
        return VideoScores(
            scores=torch.eye(2), labels=torch.tensor([0, 0]), clips=2, clip_top1=0.25, loss=1.0
        )

    monkeypatch.setattr(module, "open_together", open_together)
    monkeypatch.setattr(module, "dev_parity", lambda *_, videos: f"parity on {videos}")
    monkeypatch.setattr(module, "time_together", timed)
    monkeypatch.setattr(module, "profile_file", lambda _session, shape: f"profile of {shape}")
    monkeypatch.setattr(module, "classify_with_session", lambda each: None)
    monkeypatch.setattr(module, "score_subset", score)
    options = ExportOptions(precision="f32", allow_fallback=True, parity_videos=3)
    found = export_networks(
        {"dense": network, "small": network}, dataset, options, folder=tmp_path, n_threads=0
    )
    assert list(found) == given["opened"] == ["dense", "small"]
    assert (given["precision"], given["allow_fallback"]) == ("f32", True)
    assert given["shapes"]["small"] == network.card.clip_shape
    assert given["subset"] == "test"
    small: Any = found["small"]
    assert (small.parity, small.latency) == ("parity on 3", "latency of small")
    assert small.profile == f"profile of {network.card.clip_shape}"
    assert (small.video_top1, small.clip_top1, small.test_videos) == (0.5, 0.25, 2)
    assert small.size_bytes == (tmp_path / "small.onnx").stat().st_size
    assert small.clips_per_video == 2.0
    assert (small.quant_target, small.overflow) == (None, None)
