"""The export step: ONNX files that are checked, scored and timed in turns, then registered."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vcc.config.export import ExportOptions
from vcc.config.serving import ServingOptions
from vcc.data.loaders import video_loader
from vcc.data.prepared import PreparedDataset
from vcc.evaluation.comparison import Variant
from vcc.export.benchmark import Latency, measure_latency
from vcc.export.onnx_file import FILE_KEY, export_onnx, half_precision, load_graph
from vcc.export.parity import Parity, check_parity
from vcc.export.runtimes import Coverage, Session, choose_provider, open_session
from vcc.models.quantized_plan import read_plan
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate import size_figures
from vcc.pipeline.inference import classify_with_network, classify_with_session, score_subset
from vcc.pipeline.tags import card_tags, metric_tags
from vcc.tracking.provenance import provenance_tags
from vcc.tracking.registry import (
    ONNX_SUFFIX,
    VIDEO_SUFFIX,
    Version,
    register_onnx,
    register_video,
    registered_name,
    set_alias,
    tag_version,
)
from vcc.tracking.runs import Run


@dataclass(frozen=True, kw_only=True)
class Exported:
    """An exported file and everything measured on it.

    Attributes:
        network: what it was exported from.
        path: the file.
        size_bytes: its size.
        parity: how it agrees with the network.
        latency: how long a run takes.
        coverage: which of its layers run in int8 there.
        quant_target: the runtime that its integers are made for; None for a float file.
        clip_top1: of the file on the test videos, 0..1.
        video_top1: the same per video.
        test_videos: how many those are.
    """

    network: Network
    path: Path
    size_bytes: int
    parity: Parity
    latency: Latency
    coverage: Coverage
    quant_target: str | None
    clip_top1: float
    video_top1: float
    test_videos: int

    def metrics(self) -> dict[str, float]:
        """Return the figures under their logged names."""
        return {
            **size_figures(self.network),
            **self.parity.metrics(),
            **self.latency.metrics(),
            "size_bytes": float(self.size_bytes),
            "clip_top1": self.clip_top1,
            "video_top1": self.video_top1,
            **self._coverage_metrics(),
        }

    def tags(self) -> dict[str, str]:
        """Return what the figures were measured on, as tags."""
        return {
            "runtime": self.latency.runtime,
            "precision": self.latency.precision,
            **({"quant_target": self.quant_target} if self.quant_target else {}),
        }

    def _coverage_metrics(self) -> dict[str, float]:
        nodes = self.coverage.nodes
        if self.quant_target is None or nodes is None:
            return {}
        return {"int8_layers": float(sum(node.int8 for node in nodes)), "layers": float(len(nodes))}

    def variant(self, name: str) -> Variant:
        """Return the figures as one column of the comparison table."""
        figures = size_figures(self.network)
        return Variant(
            name=name,
            params=int(figures["params"]),
            macs=int(figures["macs"]),
            sparsity=figures["sparsity"],
            size_bytes=self.size_bytes,
            clip_top1=self.clip_top1,
            video_top1=self.video_top1,
            test_videos=self.test_videos,
            latency_p50_ms=self.latency.p50_ms,
            latency_p95_ms=self.latency.p95_ms,
            runtime=self.latency.runtime,
        )


def export_networks(
    networks: Mapping[str, Network],
    dataset: PreparedDataset,
    options: ExportOptions,
    *,
    folder: Path,
    n_threads: int,
    run_id: str | None = None,
) -> dict[str, Exported]:
    """Export networks, check and score each file, and time all of them in turns.

    Args:
        networks: name -> network; the name becomes the file's.
        dataset: parity is checked on its dev videos, accuracy measured on its test videos.
        options: provider, operator set, number of timed runs.
        folder: where the files go; it exists.
        n_threads: loader workers.
        run_id: the MLflow run that the files name as theirs.

    Raises:
        ExportError: a file cannot be written or run, or differs from its network.
    """
    paths = {
        name: _write(name, network, options, folder, dataset=dataset, run_id=run_id)
        for name, network in networks.items()
    }
    # One provider for all: they are compared with each other.
    provider = choose_provider(options.provider, paths.values())
    sessions = {
        name: open_session(
            path,
            provider=provider,
            threads=options.latency_threads,
            precision=options.precision,
            allow_fallback=options.allow_fallback,
        )
        for name, path in paths.items()
    }
    parities = {
        name: dev_parity(networks[name], session, dataset, videos=options.parity_videos)
        for name, session in sessions.items()
    }
    latencies = measure_latency(
        sessions,
        {name: network.card.clip_shape for name, network in networks.items()},
        batch=options.latency_batch,
        runs=options.latency_runs,
        warmup=options.latency_warmup,
    )
    exported = {}
    for name, network in networks.items():
        scores = score_subset(
            classify_with_session(sessions[name]),
            dataset,
            network.card.protocol,
            subset="test",
            n_threads=n_threads,
        )
        exported[name] = Exported(
            network=network,
            path=paths[name],
            size_bytes=paths[name].stat().st_size,
            parity=parities[name],
            latency=latencies[name],
            coverage=sessions[name].coverage(),
            quant_target=_quant_target(network),
            clip_top1=scores.clip_top1,
            video_top1=scores.video_topk(1),
            test_videos=len(scores.labels),
        )
    return exported


def log_exported(exported: Exported, run: Run, *, model_id: str | None = None) -> None:
    """Log an exported file's figures and what they were measured on."""
    card = exported.network.card
    run.set_tags({"arch": card.arch, "method": card.method, **exported.tags()})
    run.log_metrics(exported.metrics(), model_id=model_id)


def register_exported(
    exported: Exported,
    *,
    checkpoint: Version | None,
    tags: Mapping[str, str],
    serving: ServingOptions,
    aliases: Sequence[str] = (),
) -> Version:
    """Register an exported file beside its checkpoint's version, as a graph and to be served.

    All three share an `export_id`.

    Args:
        exported: what to register.
        checkpoint: the registered version that it was exported from.
        tags: what made it.
        serving: limits of the model that takes a video.
        aliases: of both new versions.

    Returns:
        The graph's version.
    """
    card = exported.network.card
    export_id = uuid.uuid4().hex
    all_tags = {
        **card_tags(card),
        **tags,
        **metric_tags(exported.metrics()),
        **exported.tags(),
        "export_id": export_id,
        **({"checkpoint": checkpoint.uri} if checkpoint else {}),
    }
    version = register_onnx(
        load_graph(exported.path),
        name=registered_name(card.arch, card.dataset) + ONNX_SUFFIX,
        clip_shape=card.clip_shape,
        n_classes=len(card.labels),
        tags=all_tags,
    )
    video = register_video(
        exported.path,
        name=registered_name(card.arch, card.dataset) + VIDEO_SUFFIX,
        model_config={"provider": "auto", "threads": 0, **serving.as_dict()},
        tags=all_tags,
    )
    for alias in aliases:
        set_alias(version, alias)
        set_alias(video, alias)
    if checkpoint is not None:
        tag_version(checkpoint, {"export_id": export_id})
    return version


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _write(
    name: str,
    network: Network,
    options: ExportOptions,
    folder: Path,
    *,
    dataset: PreparedDataset,
    run_id: str | None,
) -> Path:
    figures = size_figures(network)
    record = {
        "opset": options.opset,
        "precision": "int8" if _quant_target(network) else options.precision,
        "quant_target": _quant_target(network),
        "params": int(figures["params"]),
        "macs": int(figures["macs"]),
        "run_id": run_id,
        **provenance_tags(),
    }
    path = export_onnx(
        network.classifier(),
        folder / f"{name}.onnx",
        clip_shape=network.card.clip_shape,
        opset=options.opset,
        metadata={
            **network.card.as_metadata(),
            # Whoever is given a video must scale its frames as the store did.
            "stored_frames": {
                "short_side": dataset.manifest.short_side,
                "store": dataset.manifest.store,
            },
            FILE_KEY: record,
        },
    )
    if options.precision == "f16" and not record["quant_target"]:
        half_precision(path, path)
    return path


def _quant_target(network: Network) -> str | None:
    plan = read_plan(network.model)
    return None if plan is None else str(plan["target"])


def dev_parity(
    network: Network, session: Session, dataset: PreparedDataset, *, videos: int
) -> Parity:
    """Compare a network and its exported file on the first `videos` dev videos.

    Raises:
        ExportError: they differ by more than float32 arithmetic explains.
    """
    # Dev videos: the test list is looked at only to score the finished file.
    loader = video_loader(dataset, "dev", network.card.protocol, n_threads=0, clips_per_batch=4)
    classify = classify_with_network(network.classifier(), torch.device("cpu"))
    first_videos = itertools.takewhile(lambda batch: int(batch.videos.min()) < videos, loader)
    return check_parity(classify, session, first_videos)
