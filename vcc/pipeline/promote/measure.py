"""The figures of a promotion, all measured in one run on the files that are registered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vcc.config.yaml_files.gate_marks import GateOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ExportError, GateError
from vcc.export.benchmark import SpeedUp, speed_up
from vcc.export.onnx_file import check_classes, read_metadata
from vcc.pipeline.evaluate.inference import classify_with_session, score_subset
from vcc.pipeline.evaluate.step import largest_class_share
from vcc.pipeline.export.sessions import dev_parity, open_together, time_together
from vcc.pipeline.promote.running_graph import RunningGraph, running_graph
from vcc.pipeline.source import fetch_network
from vcc.pipeline.unseen import overlap
from vcc.tracking.gate import GateFigures
from vcc.tracking.registry import Version
from vcc.tracking.versions_together import download_graph, versions_together


def measure_versions(
    versions: Mapping[str, Version | None],
    dataset: PreparedDataset,
    marks: GateOptions,
    *,
    n_threads: int,
    folder: Path,
) -> tuple[dict[str, GateFigures], str | None, SpeedUp | None]:
    """Return each version's figures, why parity fails if it does, and the gain on the dense one.

    Args:
        versions: "candidate", "dense" and "champion"; None for one that is not there.
        dataset: whose test videos are scored.
        marks: of the gate, which say on what and how often.
        n_threads: loader workers.
        folder: takes the downloaded graphs.

    Raises:
        GateError: a network has seen test videos.
        ExportError: a graph cannot be run, or knows other classes.
    """
    there = {name: version for name, version in versions.items() if version is not None}
    paths = {}
    for name, version in there.items():
        (folder / name).mkdir()
        paths[name] = download_graph(version, into=folder / name)
        check_classes(paths[name], dataset.labels, where=f"the data set {dataset.name}")
        seen = overlap(read_metadata(paths[name]).get("train_videos"), dataset, who=version.uri)
        if seen is not None:
            msg = f"{seen}: a gate needs videos that no network has seen: the champion stays"
            raise GateError(msg)
    # What is served already may be an old file: it must not bar the way to a better one.
    sessions = open_together(paths, marks, recorded=("candidate",))
    graphs = {
        name: running_graph(version, paths[name], sessions[name]) for name, version in there.items()
    }
    shapes = {name: graph.protocol.clip_shape for name, graph in graphs.items()}
    latencies = time_together(sessions, shapes, marks)
    figures = {}
    for name, graph in graphs.items():
        scores = score_subset(
            classify_with_session(graph.session),
            dataset,
            graph.protocol,
            subset="test",
            n_threads=n_threads,
        )
        figures[name] = GateFigures(
            version=graph.version.uri,
            video_top1=scores.video_topk(1),
            video_top1_low=scores.video_top1_low(),
            largest_class=largest_class_share(dataset),
            answers=scores.answers(),
            clip_top1=scores.clip_top1,
            test_videos=len(scores.labels),
            p50_ms=latencies[name].p50_ms,
            p95_ms=latencies[name].p95_ms,
            runtime=graph.session.runtime,
            size_bytes=graph.path.stat().st_size,
            dataset=str(graph.metadata["dataset"]),
            split=str(graph.metadata["split"]),
            data_digest=str(graph.metadata["data_digest"]),
            protocol=graph.protocol.view,
            clip=graph.protocol.text,
            clips_per_video=graph.protocol.mean_clips(
                video.n_frames for video in dataset.videos("test")
            ),
        )
    parity = _parity_error(graphs["candidate"], dataset, marks) if marks.parity else None
    gained = None
    if "dense" in there:
        # By the video, as the gate judges it.
        fewer_clips = figures["dense"].clips_per_video / figures["candidate"].clips_per_video
        gained = speed_up(latencies["dense"], latencies["candidate"]).scaled(fewer_clips)
    return figures, parity, gained


def _parity_error(graph: RunningGraph, dataset: PreparedDataset, marks: GateOptions) -> str | None:
    checkpoint = versions_together(graph.version).get("")
    if checkpoint is None:
        return "parity: the checkpoint that the graph was exported from is not registered"
    try:
        dev_parity(fetch_network(checkpoint), graph.session, dataset, videos=marks.parity_videos)
    except ExportError as error:
        return str(error)
    return None
