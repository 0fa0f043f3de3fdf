"""The pipeline's evaluation: both networks on the test videos, each in a run of its own."""

from __future__ import annotations

from collections.abc import Mapping

from vcc.config.data import ClipOptions
from vcc.config.entrypoints import PipelineEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.accuracy import VideoScores
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.step import evaluate_step, score_test
from vcc.pipeline.full.child_run import child_run
from vcc.pipeline.prepare import log_dataset
from vcc.tracking.registry import Version


def evaluate_networks(
    networks: Mapping[str, Network],
    versions: Mapping[str, Version],
    dataset: PreparedDataset,
    options: PipelineEntry,
) -> dict[str, VideoScores]:
    """Score each network once and return the scores by name.

    Args:
        networks: "dense" first, then what is compared with it.
        versions: as they are registered; tagged with the figures.
        dataset: whose test videos are scored.
        options: machine and results tree.
    """
    scores: dict[str, VideoScores] = {}
    for name, network in networks.items():
        with child_run(f"evaluate {name}", options.pick(ClipOptions)) as run:
            log_dataset(run, dataset, context="test")
            scores[name] = score_test(
                network, dataset, no_cuda=options.no_cuda, n_threads=options.n_threads
            )
            evaluate_step(
                network,
                dataset,
                version=versions[name],
                results=options.results,
                score=lambda network: scores[network.card.role],
                run=run,
                dense=networks["dense"] if name != "dense" else None,
            )
    return scores
