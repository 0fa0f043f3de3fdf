"""The export command: a registered network as an ONNX file, checked, timed and registered."""

from __future__ import annotations

from vcc.cli import say
from vcc.config.entrypoints import ExportEntry
from vcc.config.export import ExportOptions
from vcc.config.serving import ServingOptions
from vcc.evaluation.comparison import as_markdown, as_text, table_rows
from vcc.pipeline.export.bundle import find_bundle, keep_file, write_bundle
from vcc.pipeline.export.record import log_exported, register_exported, register_parent
from vcc.pipeline.export.sessions import scratch_folder
from vcc.pipeline.export.step import export_networks
from vcc.pipeline.export.table import log_profiles, log_table, table_lines, time_exported
from vcc.pipeline.notes import exported_note
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.source import fetch_parent, find_source, name_of
from vcc.pipeline.unseen import check_unseen
from vcc.tracking.runs import connect, open_run


def run_export(options: ExportEntry) -> None:
    """Export a registered network, beside the one it was made from, and register the file."""
    connect()
    source = find_source(options, alias=options.alias)
    card = source.network.card
    # The file is scored on the test videos, too, and registered with that figure.
    check_unseen(card.train_videos, source.dataset, who=name_of(source), force=False)
    stem = f"{card.arch}-{card.dataset}-{card.role}"
    place = options.output / f"{stem}-{options.bundle}"
    bundle = find_bundle(options.bundle, place) if options.bundle else None
    networks = {card.role: source.network}
    if (parent := fetch_parent(card)) is not None:
        # A compressed network is called faster only against its dense parent in the same run.
        networks = {"dense": parent, **networks}
    name = options.run_name or f"export {card.arch} {card.role} of {card.dataset}"
    with open_run(name, step="export", options=options) as run, scratch_folder() as folder:
        log_dataset(run, source.dataset, context="test")
        exported = export_networks(
            networks,
            source.dataset,
            options.pick(ExportOptions),
            folder=folder,
            n_threads=options.n_threads,
            run_id=run.run_id,
        )
        if card.parent is not None:
            # First: a compressed network's file is nothing without what it is compared with.
            register_parent(
                card.parent, exported["dense"], serving=options.pick(ServingOptions), run=run
            )
        made = exported[card.role]
        held = source.version.aliases if source.version else ()
        version = register_exported(
            made,
            checkpoint=source.version,
            tags={"run_id": run.run_id},
            serving=options.pick(ServingOptions),
            # `champion` and `previous` are promote's to give.
            aliases=[alias for alias in held if alias in ("baseline", "challenger")],
        )
        log_exported(made, run, model_id=version.model_id)
        variants = {each: exported[each].variant(each) for each in networks}
        rows = table_rows(list(variants.values()))
        note = exported_note(card, variants[card.role], version.uri, dense=variants.get("dense"))
        run.describe(f"{note}\n\n{as_markdown(rows)}")
        run.log_text(as_markdown(rows) + "\n", "comparison.md")
        lines = log_profiles(exported, run)
        if options.latency_table:
            table = time_exported(exported, options.pick(ExportOptions), folder=folder)
            log_table(table, exported, run, folder=folder)
            lines += ["", *table_lines(table)]
        kept = keep_file(made.path, options.output / f"{stem}.onnx")
        if bundle is not None:
            write_bundle(bundle, made, place, version=version.uri)
    say(as_text(rows))
    for line in [*lines, ""]:
        say(line)
    for path in [kept, place] if bundle else [kept]:
        say(f"wrote {path.resolve()}")
    say(f"registered {version.uri}")
