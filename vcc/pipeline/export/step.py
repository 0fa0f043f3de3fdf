"""The export step: ONNX files that are checked, scored and timed in turns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vcc.config.export import ExportOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.export.layer_profile import profile_file
from vcc.export.onnx_file import FILE_KEY, export_onnx, half_precision, inspect_file
from vcc.models.quantized.plan import read_plan
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.inference import classify_with_session, score_subset
from vcc.pipeline.evaluate.step import clips_per_test_video, size_figures
from vcc.pipeline.export.record import Exported
from vcc.pipeline.export.sessions import dev_parity, open_together, time_together
from vcc.tracking.provenance import provenance_tags


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
        name: write_file(name, network, options, folder, dataset=dataset, run_id=run_id)
        for name, network in networks.items()
    }
    sessions = open_together(
        paths, options, precision=options.precision, allow_fallback=options.allow_fallback
    )
    parities = {
        name: dev_parity(networks[name], session, dataset, videos=options.parity_videos)
        for name, session in sessions.items()
    }
    shapes = {name: network.card.clip_shape for name, network in networks.items()}
    latencies = time_together(sessions, shapes, options)
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
            profile=profile_file(sessions[name], shapes[name]),
            quant_target=_quant_target(network),
            overflow=inspect_file(paths[name]).overflow,
            clip_top1=scores.clip_top1,
            video_top1=scores.video_topk(1),
            test_videos=len(scores.labels),
            clips_per_video=clips_per_test_video(network, dataset),
        )
    return exported


def write_file(
    name: str,
    network: Network,
    options: ExportOptions,
    folder: Path,
    *,
    dataset: PreparedDataset,
    run_id: str | None,
) -> Path:
    """Export a network to NAME.onnx with its card, its provenance and how frames were stored.

    Raises:
        ExportError: it cannot be written.
    """
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
            # Whoever is given a video must take and scale its frames as the store did.
            "stored_frames": {
                "short_side": dataset.manifest.short_side,
                "store": dataset.manifest.store,
                "fps": dataset.manifest.fps,
            },
            FILE_KEY: record,
        },
    )
    if options.precision == "f16" and not record["quant_target"]:
        half_precision(path, path)
    return path


def _quant_target(network: Network) -> str | None:
    plan = read_plan(network.model)
    return None if plan is None else plan.target
