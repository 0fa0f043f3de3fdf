"""The pipeline's export: both files checked, timed in turns, registered and given their aliases."""

from __future__ import annotations

from collections.abc import Mapping

from vcc.cli import say
from vcc.config.entrypoints import PipelineEntry
from vcc.config.export import ExportOptions
from vcc.config.serving import ServingOptions
from vcc.data.store.prepared import PreparedDataset
from vcc.pipeline.card import Network
from vcc.pipeline.export.record import Exported, log_exported, register_exported
from vcc.pipeline.export.sessions import scratch_folder
from vcc.pipeline.export.step import export_networks
from vcc.pipeline.export.table import log_profiles, log_table, table_lines, time_exported
from vcc.pipeline.full.child_run import child_run
from vcc.pipeline.prepare import log_dataset
from vcc.tracking.registry import Version
from vcc.tracking.runs import Run

_ALIASES = {"dense": "baseline", "compressed": "challenger"}


def export_and_register(
    networks: Mapping[str, Network],
    versions: Mapping[str, Version],
    dataset: PreparedDataset,
    options: PipelineEntry,
    *,
    run: Run,
) -> dict[str, Exported]:
    """Export, time and register the networks; return what was measured, by name.

    The files are gone when it returns.

    Args:
        networks: "dense" and "compressed".
        versions: of their checkpoints.
        dataset: whose videos the files are checked and scored on.
        options: how they are exported and served.
        run: the pipeline's, which takes the table of runtimes.
    """
    with scratch_folder() as folder:
        exported = export_networks(
            networks,
            dataset,
            options.pick(ExportOptions),
            folder=folder,
            n_threads=options.n_threads,
            run_id=run.run_id,
        )
        for line in log_profiles(exported, run):
            say(line)
        if options.latency_table:
            table = time_exported(exported, options.pick(ExportOptions), folder=folder)
            log_table(table, exported, run, folder=folder)
            say()
            for line in table_lines(table):
                say(line)
        for name, made in exported.items():
            with child_run(f"export {name}", options.pick(ExportOptions)) as child:
                log_dataset(child, dataset, context="test")
                log_exported(made, child)
        _register(exported, versions, dataset, options)
    return dict(exported)


def _register(
    exported: Mapping[str, Exported],
    versions: Mapping[str, Version],
    dataset: PreparedDataset,
    options: PipelineEntry,
) -> None:
    with child_run("register", options.pick(ExportOptions)) as child:
        # The figures on the logged models' pages name the data that this run has as input.
        log_dataset(child, dataset, context="test")
        for name, made in exported.items():
            version = register_exported(
                made,
                checkpoint=versions[name],
                tags={"run_id": child.run_id},
                serving=options.pick(ServingOptions),
                aliases=(_ALIASES[name],),
            )
            child.log_metrics(made.metrics(), model_id=version.model_id)
