"""The times of a study's cell: its networks in turns, on one machine that does nothing else."""

from __future__ import annotations

import dataclasses
import os

from vcc.config.yaml_files.study_matrix import DENSE, Cell
from vcc.evaluation.study.results import CellResult, Timing
from vcc.export.doctor import cpu_features
from vcc.export.runtime_table import RuntimeTable
from vcc.pipeline.card import Network
from vcc.pipeline.export.sessions import scratch_folder
from vcc.pipeline.study.files import time_files
from vcc.pipeline.study.networks import network_of_cell
from vcc.pipeline.study.place import StudyPlace, dense_cell
from vcc.tracking.provenance import provenance_tags
from vcc.tracking.runs import Run


def add_times(result: CellResult, cell: Cell, place: StudyPlace, run: Run) -> CellResult:
    """Return a cell's result with the times that it lacks, of the networks that were scored."""
    networks = networks_of(cell, place, run)
    with scratch_folder() as folder:
        table = time_files(networks, place, folder)
    run.log_metrics(table.metrics())
    # Perhaps another machine than the one that trained.
    facts = {f"times.{key}": value for key, value in machine_facts().items()}
    return dataclasses.replace(
        result, timings=timings_of(table), machine={**result.machine, **facts}
    )


def networks_of(cell: Cell, place: StudyPlace, run: Run) -> dict[str, Network]:
    """Return the dense network, and the compressed one where the cell has one."""
    networks = {DENSE: network_of_cell(dense_cell(cell), place, run)}
    if cell.method != DENSE:
        networks["compressed"] = network_of_cell(cell, place, run)
    return networks


def timings_of(table: RuntimeTable) -> tuple[Timing, ...]:
    """Return the rows of a table that were run."""
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


def machine_facts() -> dict[str, str]:
    """Return what this machine is: processor, its features, cores, versions and git commit."""
    return {
        **provenance_tags(),
        "cores": str(os.cpu_count()),
        "cpu_features": " ".join(cpu_features()),
    }
