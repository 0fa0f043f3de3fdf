"""One cell of a study: train or compress, export, score the file, time it beside the dense one.

Times may come later than the rest: they want a machine that does nothing else.
"""

from __future__ import annotations

import datetime
import time

from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.data.store.manifest import group_numbers
from vcc.evaluation.study.results import CellResult
from vcc.export.runtime_table import RuntimeTable
from vcc.models.summary import count_macs
from vcc.pipeline.evaluate.step import size_figures
from vcc.pipeline.export.sessions import scratch_folder
from vcc.pipeline.study.digests import digest_of
from vcc.pipeline.study.files import score_file, time_files, timed_shape
from vcc.pipeline.study.networks import training_seconds
from vcc.pipeline.study.place import StudyPlace
from vcc.pipeline.study.times import machine_facts, networks_of, timings_of
from vcc.tracking.runs import Run

_NOT_TIMED = RuntimeTable(rows=(), coverages=(), threads=0)


def compute_cell(
    cell: Cell, place: StudyPlace, run: Run, *, command: str, timed: bool = True
) -> CellResult:
    """Compute a cell and return what was measured; its network is kept as a checkpoint.

    Networks that it builds on are loaded, or made again where their checkpoints are not here.

    Args:
        cell: what to compute.
        place: where.
        run: its MLflow run.
        command: that computes it again.
        timed: whether the machine is quiet enough for times; `add_times` adds them later.
    """
    started = time.monotonic()
    dataset = place.dataset_of(cell)
    networks = networks_of(cell, place, run)
    own = networks.get("compressed", networks[DENSE])
    with scratch_folder() as folder:
        scores = {
            name: score_file(network, folder / f"{name}.onnx", dataset, place)
            for name, network in networks.items()
        }
        path = folder / f"{'compressed' if 'compressed' in networks else DENSE}.onnx"
        size_bytes = path.stat().st_size
        table = time_files(networks, place, folder) if timed else _NOT_TIMED
    own_scores = scores.get("compressed", scores[DENSE])
    figures = size_figures(own)
    shape = timed_shape(own, networks[DENSE], place)
    result = CellResult(
        model=cell.model,
        method=cell.method,
        repeat=cell.repeat,
        settings=digest_of(place, cell),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        run_id=run.run_id,
        command=command,
        machine=machine_facts(),
        params=int(figures["params"]),
        macs=count_macs(own.model, shape[2], shape[1]),
        size_bytes=size_bytes,
        sparsity=figures["sparsity"],
        clip_top1=own_scores.clip_top1,
        right=own_scores.right(),
        dense_right=scores[DENSE].right() if "compressed" in scores else "",
        timings=timings_of(table),
        timed_clip=shape[1:],
        training_s=training_seconds(cell, place),
        seconds=time.monotonic() - started,
        groups=group_numbers(dataset.videos("test")),
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
