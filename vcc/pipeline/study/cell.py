"""One cell of a study: train or compress, export, score the file, time it beside the dense one."""

from __future__ import annotations

import datetime
import logging
import os
import time
from pathlib import Path

from vcc.config.export import ExportOptions
from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.study.results import CellResult, Timing
from vcc.export.doctor import cpu_features
from vcc.export.onnx_file import export_onnx
from vcc.export.runtime_table import Candidate, RuntimeTable, time_runtimes
from vcc.export.runtimes.catalog import choose_provider, open_session
from vcc.models.quantized.plan import read_plan
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.inference import classify_with_session, score_subset
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.export.sessions import dev_parity, scratch_folder
from vcc.pipeline.study.networks import network_of_cell, training_seconds
from vcc.pipeline.study.place import StudyPlace, dense_cell
from vcc.tracking.provenance import provenance_tags
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)
_PARITY_VIDEOS = 16


def compute_cell(cell: Cell, place: StudyPlace, run: Run, *, command: str) -> CellResult:
    """Compute a cell and return what was measured; its network is kept as a checkpoint.

    Networks that it builds on are loaded, or made again where their checkpoints are not here.

    Args:
        cell: what to compute.
        place: where.
        run: its MLflow run.
        command: that computes it again.
    """
    started = time.monotonic()
    dataset = place.dataset_of(cell)
    networks = {DENSE: network_of_cell(dense_cell(cell), place, run)}
    if cell.method != DENSE:
        networks["compressed"] = network_of_cell(cell, place, run)
    own = networks.get("compressed", networks[DENSE])
    with scratch_folder() as folder:
        scores = {
            name: _score_file(network, folder / f"{name}.onnx", dataset, place)
            for name, network in networks.items()
        }
        path = folder / f"{'compressed' if 'compressed' in networks else DENSE}.onnx"
        size_bytes = path.stat().st_size
        table = _time(networks, place, folder)
    own_scores = scores.get("compressed", scores[DENSE])
    figures = size_figures(own)
    timed = _timed_shape(own, networks[DENSE], place)
    result = CellResult(
        model=cell.model,
        method=cell.method,
        repeat=cell.repeat,
        settings=place.settings(cell),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        run_id=run.run_id,
        command=command,
        machine=_machine(),
        params=int(figures["params"]),
        macs=count_macs(own.model, timed[2], timed[1]),
        size_bytes=size_bytes,
        sparsity=figures["sparsity"],
        clip_top1=own_scores.clip_top1,
        right=_right(own_scores),
        dense_right=_right(scores[DENSE]) if "compressed" in scores else "",
        timings=_timings(table),
        timed_clip=timed[1:],
        training_s=training_seconds(cell, place),
        seconds=time.monotonic() - started,
    )
    run.set_tags({"arch": own.card.arch, "method": own.card.method, "cell": cell.key})
    run.log_metrics(
        {
            **figures,
            "size_bytes": float(size_bytes),
            "clip_top1": own_scores.clip_top1,
            "video_top1": result.video_top1,
            "test_videos": float(len(result.right)),
            "seconds": result.seconds,
            **table.metrics(),
        }
    )
    return result


def _score_file(
    network: Network, path: Path, dataset: PreparedDataset, place: StudyPlace
) -> VideoScores:
    """Export a network for the clips it was trained on, check the file and score it."""
    export_onnx(
        network.classifier(),
        path,
        clip_shape=network.card.clip_shape,
        opset=ExportOptions().opset,
        metadata=network.card.as_metadata(),
    )
    provider = choose_provider("auto", [path])
    session = open_session(path, provider=provider, threads=0)
    dev_parity(network, session, dataset, videos=_PARITY_VIDEOS)
    return score_subset(
        classify_with_session(session),
        dataset,
        network.card.protocol,
        subset="test",
        n_threads=place.n_threads,
    )


def _time(networks: dict[str, Network], place: StudyPlace, folder: Path) -> RuntimeTable:
    speed = place.matrix.speed
    candidates = {}
    for name, network in networks.items():
        shape = _timed_shape(network, networks[DENSE], place)
        path = folder / f"{name}-timed.onnx"
        export_onnx(
            network.classifier(),
            path,
            clip_shape=shape,
            opset=ExportOptions().opset,
            metadata=network.card.as_metadata(),
        )
        quantized = read_plan(network.model) is not None
        candidates[name] = Candidate(
            path=path,
            clip_shape=shape,
            classifier=None if quantized else network.classifier(),
        )
    return time_runtimes(
        candidates, batches=[1], runs=speed.latency_runs, warmup=3, threads=0, folder=folder
    )


def _timed_shape(network: Network, dense: Network, place: StudyPlace) -> tuple[int, int, int, int]:
    """Return (3, T, H, W) that a network is timed on.

    It is the matrix's clip, smaller by what the network's own is smaller than the dense one's.
    """
    speed = place.matrix.speed
    (_, frames, size, _), (_, dense_frames, dense_size, _) = (
        each.card.clip_shape for each in (network, dense)
    )
    duration = max(1, round(speed.sample_duration * frames / dense_frames))
    side = max(1, round(speed.sample_size * size / dense_size))
    return (3, duration, side, side)


def _timings(table: RuntimeTable) -> tuple[Timing, ...]:
    return tuple(
        Timing(
            network=row.network,
            runtime=row.runtime,
            precision=row.precision,
            p50_ms=round(row.latency.p50_ms, 4),
            p95_ms=round(row.latency.p95_ms, 4),
        )
        for row in table.rows
        if row.latency is not None
    )


def _right(scores: VideoScores) -> str:
    return "".join("1" if hit else "0" for hit in scores.scores.argmax(dim=1) == scores.labels)


def _machine() -> dict[str, str]:
    return {
        **provenance_tags(),
        "cores": str(os.cpu_count()),
        "cpu_features": " ".join(cpu_features()),
    }
