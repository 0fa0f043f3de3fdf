"""One cell of a study: train or compress, export, score the file, time it beside the dense one."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vcc.compression.shipped import default_schedule
from vcc.config.compression import CompressionOptions
from vcc.config.distillation import DistillationOptions
from vcc.config.export import ExportOptions
from vcc.config.study import DENSE, Cell, MethodOptions, StudyMatrix
from vcc.data.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.study_results import CellResult, Timing
from vcc.export.doctor import cpu_features
from vcc.export.onnx_file import export_onnx
from vcc.export.runtime_table import Candidate, RuntimeTable, time_runtimes
from vcc.export.runtimes import choose_provider, open_session
from vcc.files import write_whole
from vcc.models.checkpoint import save_checkpoint
from vcc.models.quantized_plan import read_plan
from vcc.models.summary import count_macs
from vcc.pipeline.card import Network
from vcc.pipeline.compress import compress_step
from vcc.pipeline.evaluate import size_figures
from vcc.pipeline.inference import classify_with_session, score_subset
from vcc.pipeline.recipe import recipe_for
from vcc.pipeline.runtime import dev_parity, scratch_folder
from vcc.pipeline.source import load_network
from vcc.pipeline.train import train_step
from vcc.tracking.provenance import provenance_tags
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)
_PARITY_VIDEOS = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyPlace:
    """Where a study works.

    Attributes:
        matrix: what is studied.
        dataset_of: the data of a cell: the same for every seed, other subsets for every fold.
        checkpoints: folder of the networks, one folder per cell.
        n_threads: loader workers.
        no_cuda: stay on the CPU.
    """

    matrix: StudyMatrix
    dataset_of: Callable[[Cell], PreparedDataset]
    checkpoints: Path
    n_threads: int
    no_cuda: bool

    def settings(self, cell: Cell) -> str:
        """Return a digest of everything that a cell's figures depend on, except code and machine.

        The digest of prepared data is not in it: frames are coded slightly differently by other
        processors. Which videos are in which subset is.
        """
        text = json.dumps(self._settings(cell), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _settings(self, cell: Cell) -> dict[str, Any]:
        matrix = self.matrix
        recipe = matrix.models[cell.model]
        dataset = self.dataset_of(cell)
        videos = [
            [record.id, record.label, subset]
            for subset in ("train", "dev", "test")
            for record in dataset.videos(subset)
        ]
        settings: dict[str, Any] = {
            "data": matrix.data.as_dict() | {"n_jobs": 0, "root_path": "", "output": None},
            "videos": hashlib.sha256(json.dumps(videos).encode()).hexdigest(),
            "network": recipe.network.as_dict(),
            "clip": recipe.clip.as_dict() | {"n_threads": 0},
            "training": recipe.training.as_dict() | {"no_cuda": False},
            "speed": matrix.speed.as_dict(),
            "repeat": cell.repeat,
        }
        if cell.method != DENSE:
            method = matrix.methods[cell.method]
            settings["method"] = method.as_dict()
            settings["schedule"] = schedule_of(method, recipe.network.model).read_text("utf-8")
            settings["parent"] = self._settings(matrix.parent(cell))
            if method.teacher:
                settings["teacher"] = self._settings(_dense(cell, method.teacher))
        return settings


def schedule_of(method: MethodOptions, family: str) -> Path:
    """Return a method's schedule file for a model family."""
    if method.schedule is not None:
        return Path(str(method.schedule).format(family=family))
    return default_schedule(family, method.compression_type)


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
    networks = {DENSE: network_of_cell(_dense(cell), place, run)}
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
    speed = place.matrix.speed
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
        macs=count_macs(own.model, speed.sample_size, speed.sample_duration),
        size_bytes=size_bytes,
        sparsity=figures["sparsity"],
        clip_top1=own_scores.clip_top1,
        right=_right(own_scores),
        dense_right=_right(scores[DENSE]) if "compressed" in scores else "",
        timings=_timings(table),
        timed_clip=(speed.sample_duration, speed.sample_size, speed.sample_size),
        training_s=float(_marker(cell, place).read_text("utf-8").split()[1]),
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


def network_of_cell(cell: Cell, place: StudyPlace, run: Run) -> Network:
    """Return a cell's network: its checkpoint if that was made by the same settings, or a new one.

    Args:
        cell: whose network.
        place: where checkpoints lie.
        run: takes the figures of a training.
    """
    folder = place.checkpoints / cell.key
    marker = _marker(cell, place)
    wanted = place.settings(cell)
    if marker.is_file() and marker.read_text("utf-8").split()[0] == wanted:
        return load_network(folder)
    if cell.method == DENSE:
        started = time.monotonic()
        made = _train(cell, place, run)
    else:
        # What it builds on is made first: the seconds are its own.
        for needed in _builds_on(cell, place):
            network_of_cell(needed, place, run)
        started = time.monotonic()
        made = _compress(cell, place, run)
    seconds = time.monotonic() - started
    marker.unlink(missing_ok=True)
    save_checkpoint(folder, made.model, made.card.as_metadata())
    write_whole(marker, f"{wanted} {seconds:.1f}\n")
    return made


def _marker(cell: Cell, place: StudyPlace) -> Path:
    """Return the file beside a checkpoint: the digest of its settings, seconds of training."""
    return place.checkpoints / f"{cell.key}.settings"


def _builds_on(cell: Cell, place: StudyPlace) -> list[Cell]:
    method = place.matrix.methods[cell.method]
    return [_dense(cell), place.matrix.parent(cell), _dense(cell, method.teacher)]


def _train(cell: Cell, place: StudyPlace, run: Run) -> Network:
    recipe = place.matrix.models[cell.model]
    return train_step(
        place.dataset_of(cell),
        model=recipe.network,
        clip=dataclasses.replace(
            recipe.clip, manual_seed=_seed(cell, place), n_threads=place.n_threads
        ),
        training=dataclasses.replace(recipe.training, no_cuda=place.no_cuda),
        run=run,
    )


def _compress(cell: Cell, place: StudyPlace, run: Run) -> Network:
    method = place.matrix.methods[cell.method]
    family = place.matrix.models[cell.model].network.model
    parent = network_of_cell(place.matrix.parent(cell), place, run)
    dense = network_of_cell(_dense(cell), place, run)
    recipe = recipe_for(
        parent,
        CompressionOptions(
            schedule=schedule_of(method, family),
            compression_type=method.compression_type,
            round_to=method.round_to,
        ),
        n_epochs=method.n_epochs,
        # Of the dense training: a chain's second step would else begin at a sixteenth of it.
        learning_rate=method.learning_rate or dense.card.training.learning_rate / 4,
        parent=None,
    )
    if recipe.distils:
        path = str(place.checkpoints / _dense(cell, method.teacher).key)
        recipe = dataclasses.replace(recipe, distillation=DistillationOptions(t_path=path))
    return compress_step(parent, place.dataset_of(cell), recipe, run=run)


def _dense(cell: Cell, model: str | None = None) -> Cell:
    return dataclasses.replace(cell, method=DENSE, model=model or cell.model)


def _seed(cell: Cell, place: StudyPlace) -> int:
    recipe = place.matrix.models[cell.model]
    return recipe.clip.manual_seed if place.matrix.folds else cell.number


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
    shape = (3, speed.sample_duration, speed.sample_size, speed.sample_size)
    candidates = {}
    for name, network in networks.items():
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
