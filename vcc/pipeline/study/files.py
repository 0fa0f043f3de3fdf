"""The exported files of a cell's networks: checked, scored on the test videos, timed in turns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vcc.config.export import ExportOptions
from vcc.config.yaml_files.study_matrix import DENSE
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.export.onnx_file import export_onnx
from vcc.export.runtime_table import Candidate, RuntimeTable, time_runtimes
from vcc.export.runtimes.catalog import Session, choose_provider, open_session
from vcc.models.quantized.plan import read_plan
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.inference import classify_with_session, score_subset
from vcc.pipeline.export.sessions import dev_parity
from vcc.pipeline.study.place import StudyPlace

_PARITY_VIDEOS = 16


def score_file(
    network: Network, path: Path, dataset: PreparedDataset, place: StudyPlace
) -> VideoScores:
    """Export a network for the clips it was trained on, check the file and score it."""
    session = open_exported(network, path)
    dev_parity(network, session, dataset, videos=_PARITY_VIDEOS)
    return score_subset(
        classify_with_session(session),
        dataset,
        network.card.protocol,
        subset="test",
        n_threads=place.n_threads,
    )


def open_exported(network: Network, path: Path) -> Session:
    """Export a network for the clips it was trained on and open the file where it runs best."""
    export_onnx(
        network.classifier(),
        path,
        clip_shape=network.card.clip_shape,
        opset=ExportOptions().opset,
        metadata=network.card.as_metadata(),
    )
    return open_session(path, provider=choose_provider("auto", [path]), threads=0)


def time_files(networks: Mapping[str, Network], place: StudyPlace, folder: Path) -> RuntimeTable:
    """Time networks on every runtime of this machine, in turns.

    Args:
        networks: "dense" and what is compared with it.
        place: whose matrix says on which clip and how often.
        folder: takes the files.
    """
    speed = place.matrix.speed
    candidates = {}
    for name, network in networks.items():
        shape = timed_shape(network, networks[DENSE], place)
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


def timed_shape(network: Network, dense: Network, place: StudyPlace) -> tuple[int, int, int, int]:
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
