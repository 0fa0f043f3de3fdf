"""The test videos after a training: the same as `evaluate`, in a run of its own."""

from __future__ import annotations

import functools

from vcc.cli import say
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import TrainEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.evaluation.results_tree import accuracy_lines
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.step import evaluate_step, score_test
from vcc.pipeline.prepare import log_dataset
from vcc.tracking.registry import Version
from vcc.tracking.runs import open_run


def measure_on_test(
    network: Network, version: Version, dataset: PreparedDataset, options: TrainEntry
) -> None:
    """Measure a network that was just registered, tag the version and print the accuracy."""
    name = f"evaluate {network.card.arch} dense on {dataset.name}"
    with open_run(name, step="evaluate", options=options.pick(ClipOptions)) as run:
        log_dataset(run, dataset, context="test")
        metrics = evaluate_step(
            network,
            dataset,
            version=version,
            results=options.results,
            score=functools.partial(
                score_test,
                dataset=dataset,
                no_cuda=options.no_cuda,
                n_threads=options.n_threads,
            ),
            run=run,
        )
    say(accuracy_lines(metrics["video_top1"], metrics["video_top5"]).strip())
