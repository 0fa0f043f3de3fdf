"""Files of several networks, checked on dev videos and timed in turns; none is scored."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from vcc.config.export import ExportOptions
from vcc.data.machine import usable_cores
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ExportError
from vcc.export.benchmark import Latency, measure_latency
from vcc.export.runtimes.eager import EagerSession
from vcc.export.runtimes.session import Session
from vcc.pipeline.card import Network
from vcc.pipeline.export.sessions import dev_parity, open_together, scratch_folder
from vcc.pipeline.export.step import write_file

_logger = logging.getLogger(__name__)

DENSE, EAGER = "dense", "dense in PyTorch"


@dataclass(frozen=True, kw_only=True)
class Timed:
    """An exported file: its times in turns with the others, and its megabytes (10^6 bytes)."""

    latency: Latency
    size_mb: float


def time_in_turns(
    networks: Mapping[str, Network],
    dataset: PreparedDataset,
    options: ExportOptions,
    *,
    run_id: str | None = None,
) -> dict[str, Timed]:
    """Export networks, check the files on dev videos, and time them in turns.

    A network whose file differs from it is left out, with a warning. Test videos are not read.

    Args:
        networks: `DENSE` and others; the dense one is timed in PyTorch as well, as `EAGER`.
        dataset: whose dev videos the files are checked on.
        options: what runs them, how often.
        run_id: the MLflow run that the files name as theirs.

    Raises:
        ExportError: a file cannot be run, or the dense one differs from its network.
    """
    with scratch_folder() as folder:
        paths = {
            name: write_file(name, network, options, folder, dataset=dataset, run_id=run_id)
            for name, network in networks.items()
        }
        sessions = {
            name: session
            for name, session in open_together(paths, options).items()
            if _agrees(name, networks[name], session, dataset, options)
        }
        eager = EagerSession(networks[DENSE].classifier(), threads=usable_cores())
        shapes = {name: networks[name].card.clip_shape for name in sessions}
        times = measure_latency(
            {EAGER: eager, **sessions},
            {EAGER: shapes[DENSE], **shapes},
            batch=options.latency_batch,
            runs=options.latency_runs,
            warmup=options.latency_warmup,
        )
        sizes = {name: paths[name].stat().st_size / 1e6 for name in sessions}
    sizes[EAGER] = sizes[DENSE]
    return {name: Timed(latency=times[name], size_mb=sizes[name]) for name in times}


def _agrees(
    name: str, network: Network, session: Session, dataset: PreparedDataset, options: ExportOptions
) -> bool:
    try:
        dev_parity(network, session, dataset, videos=options.parity_videos)
    except ExportError as error:
        if name == DENSE:
            raise
        _logger.warning("%s is left out: %s", name, error)
        return False
    return True
