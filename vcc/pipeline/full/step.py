"""The steps of the pipeline, from videos to the report of both networks.

Every step is a child of one run. The steps share memory, not artifacts, so that the heavy packages
are imported once.
"""

from __future__ import annotations

from vcc.cli import say
from vcc.config.data import PrepareOptions
from vcc.config.entrypoints import PipelineEntry
from vcc.evaluation.comparison import Variant
from vcc.pipeline.evaluate.artifacts import Scored
from vcc.pipeline.evaluate.step import largest_class_share
from vcc.pipeline.full.child_run import child_run
from vcc.pipeline.full.estimate import estimate_line, videos_of
from vcc.pipeline.full.evaluated import evaluate_networks
from vcc.pipeline.full.exported import export_and_register
from vcc.pipeline.full.networks import compress_dense, train_dense
from vcc.pipeline.full.report import Compared, log_report
from vcc.pipeline.prepare import log_dataset, prepare_step
from vcc.tracking.runs import Run


def take_steps(options: PipelineEntry, run: Run) -> tuple[list[Variant], float]:
    """Prepare, train, compress, evaluate, export, register and report.

    Args:
        options: of all steps.
        run: the parent of their runs, which takes the report.

    Returns:
        The dense and the compressed network's figures, and the accuracy (0..1) of always naming
        the largest class.
    """
    with child_run("prepare", options.pick(PrepareOptions)) as child:
        dataset = prepare_step(options.pick(PrepareOptions), child)
    if options.videos is not None:
        say(estimate_line(options, videos_of(dataset, options)))
    log_dataset(run, dataset, context="train")
    dense, baseline = train_dense(options, dataset)
    compressed, challenger = compress_dense(options, dataset, dense, baseline)
    networks = {"dense": dense, "compressed": compressed}
    versions = {"dense": baseline, "compressed": challenger}
    scores = evaluate_networks(networks, versions, dataset, options)
    exported = export_and_register(networks, versions, dataset, options, run=run)
    before, after = (
        Compared(
            network=network,
            scored=Scored(name=name, scores=scores[name]),
            variant=exported[name].variant(name),
            profile=exported[name].profile,
        )
        for name, network in networks.items()
    )
    log_report(before, after, dataset, run)
    return [before.variant, after.variant], largest_class_share(dataset)
