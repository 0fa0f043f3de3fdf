"""Registered graphs measured together: what the gate reads, and which networks it must not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vcc.config.yaml_files.gate_marks import GateOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ExportError, GateError
from vcc.evaluation.accuracy import VideoScores
from vcc.export.benchmark import Latency
from vcc.pipeline.card import Network
from vcc.pipeline.promote import measure as module
from vcc.pipeline.promote.measure import measure_versions
from vcc.pipeline.promote.running_graph import RunningGraph
from vcc.tracking.registry import Version


def version(number: int) -> Version:
    return Version(name="vcc-net-onnx", number=number, model_id=None, created_ms=0, tags={})


CANDIDATE, DENSE = version(2), version(1)


def latency(ms: float) -> Latency:
    return Latency(
        runtime="toy CPU", precision="f32", batch=1, runs=9, p50_ms=ms, p90_ms=ms, p95_ms=2 * ms,
        p99_ms=ms, rounds_ms=(ms,) * 9,
    )  # fmt: skip


@pytest.fixture
def world(
    dataset: PreparedDataset, network: Network, monkeypatch: pytest.MonkeyPatch
) -> SimpleNamespace:
    """What is downloaded, opened and scored; the dense graph takes twice as many clips."""
    made = SimpleNamespace(seen=None, parity=None, opened=None, checkpoint=True)

    def download(each: Version, into: Path) -> Path:
        assert into.is_dir()
        path = into / "model.onnx"
        path.write_bytes(b"12345")
        return path

    def open_together(paths: Mapping[str, Path], marks: Any, *, recorded: Any) -> Any:
        made.opened = (list(paths), recorded)
        return {name: SimpleNamespace(runtime="toy CPU") for name in paths}

    def graph(each: Version, path: Path, session: Any) -> RunningGraph:
        clip = network.card.clip.as_dict() | {"sample_duration": 4 if each is DENSE else 8}
        card = network.card.as_metadata() | {"clip": clip}
        return RunningGraph(version=each, path=path, session=session, metadata=card)

    def score(*_: Any, **words: Any) -> VideoScores:
        assert words["subset"] == "test"
        labels = torch.tensor([each.label for each in dataset.videos("test")])
        scores = torch.eye(2)[labels]
        return VideoScores(scores=scores, labels=labels, clips=2, clip_top1=0.5, loss=1.0)

    def parity(*_: Any, videos: int) -> None:
        made.parity_videos = videos
        if made.parity:
            raise ExportError(made.parity)

    monkeypatch.setattr(module, "download_graph", download)
    monkeypatch.setattr(module, "check_classes", lambda *_, **__: None)
    monkeypatch.setattr(module, "read_metadata", lambda path: {})
    monkeypatch.setattr(module, "overlap", lambda *_, **__: made.seen)
    monkeypatch.setattr(module, "open_together", open_together)
    monkeypatch.setattr(module, "running_graph", graph)
    monkeypatch.setattr(
        module, "time_together",
        lambda sessions, *_: {n: latency(8.0 if n == "dense" else 4.0) for n in sessions},
    )  # fmt: skip
    monkeypatch.setattr(module, "classify_with_session", lambda session: None)
    monkeypatch.setattr(module, "score_subset", score)
    monkeypatch.setattr(
        module, "versions_together", lambda each: {"": each} if made.checkpoint else {}
    )
    monkeypatch.setattr(module, "fetch_network", lambda each: network)
    monkeypatch.setattr(module, "dev_parity", parity)
    return made


def measured(
    dataset: PreparedDataset, folder: Path, *, champion: Version | None = None, **marks: Any
) -> Any:
    versions = {"candidate": CANDIDATE, "dense": DENSE, "champion": champion}
    return measure_versions(versions, dataset, GateOptions(**marks), n_threads=0, folder=folder)


def test_figures_are_of_the_files_that_are_registered(
    world: SimpleNamespace, dataset: PreparedDataset, tmp_path: Path
) -> None:
    figures, parity, gained = measured(dataset, tmp_path)
    assert list(figures) == ["candidate", "dense"]
    own = figures["candidate"]
    assert (own.version, own.size_bytes, own.runtime) == (CANDIDATE.uri, 5, "toy CPU")
    assert (own.video_top1, own.clip_top1, own.largest_class) == (1.0, 0.5, 0.5)
    assert own.test_videos == len(dataset.videos("test"))
    assert sum(own.answers) == own.test_videos
    assert (own.p50_ms, own.p95_ms) == (4.0, 8.0)
    assert (own.clips_per_video, figures["dense"].clips_per_video) == (1.0, 2.0)
    assert own.data_digest == dataset.digest
    assert parity is None
    # Twice as fast by the run, and half as many of them a video.
    assert gained.ratio == pytest.approx(4.0)


def test_only_the_candidate_s_file_is_on_the_record(
    world: SimpleNamespace, dataset: PreparedDataset, tmp_path: Path
) -> None:
    measured(dataset, tmp_path, champion=version(3))
    assert world.opened == (["candidate", "dense", "champion"], ("candidate",))


def test_a_network_that_saw_test_videos_is_no_candidate(
    world: SimpleNamespace, dataset: PreparedDataset, tmp_path: Path
) -> None:
    world.seen = "3 test videos were training videos of it"
    with pytest.raises(GateError, match="3 test videos .*: a gate needs videos that no network"):
        measured(dataset, tmp_path)
    assert world.opened is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parity": "logits differ"}, "logits differ"),
        ({"checkpoint": False}, "parity: the checkpoint that the graph was exported from is not"),
        ({}, None),
    ],
)
def test_parity_is_a_mark_as_others(
    world: SimpleNamespace, dataset: PreparedDataset, tmp_path: Path,
    changes: dict[str, Any], said: str | None,
) -> None:  # fmt: skip
    vars(world).update(changes)
    _, parity, _ = measured(dataset, tmp_path, parity_videos=3)
    assert (parity or "").startswith(said or "")
    assert bool(parity) == bool(said)
    if world.checkpoint:
        assert world.parity_videos == 3


def test_parity_may_be_left_out(
    world: SimpleNamespace, dataset: PreparedDataset, tmp_path: Path
) -> None:
    world.parity = "logits differ"
    assert measured(dataset, tmp_path, parity=False)[1] is None
