"""One function per entry point: it opens the run, takes the steps and says what came out."""

from __future__ import annotations

import dataclasses
import functools
import logging
import shutil
from pathlib import Path

from vcc.cli import say
from vcc.config.data import ClipOptions
from vcc.config.entrypoints import (
    CompressEntry,
    EvaluateEntry,
    ExportEntry,
    TrainEntry,
)
from vcc.config.export import ExportOptions
from vcc.config.model import ModelOptions
from vcc.config.serving import ServingOptions
from vcc.config.training import FinetuneOptions, ResumeOptions, TrainingOptions
from vcc.data.store.prepared import PreparedDataset, find_prepared
from vcc.errors import TrackingError
from vcc.evaluation.comparison import as_markdown, as_text, table_rows
from vcc.evaluation.results_tree import accuracy_lines
from vcc.files import replacing
from vcc.pipeline.card import Network
from vcc.pipeline.compress.recipe import recipe_from_entry
from vcc.pipeline.compress.resume import parent_of
from vcc.pipeline.compress.step import compress_step
from vcc.pipeline.evaluate.step import (
    evaluate_step,
    largest_class_share,
    score_test,
    size_figures,
)
from vcc.pipeline.export.record import Exported, log_exported, register_exported
from vcc.pipeline.export.sessions import scratch_folder
from vcc.pipeline.export.step import export_networks
from vcc.pipeline.export.table import log_table, table_lines, time_exported
from vcc.pipeline.notes import compressed_note, exported_note, trained_note
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.registered_before import EPOCHS_TAG, epochs_trained, registered_before
from vcc.pipeline.source import Source, fetch_network, find_source
from vcc.pipeline.train.cross_validation import cross_validate, say_result
from vcc.pipeline.train.resume import checkpoint_folder, find_resumption, plan_checkpoints
from vcc.pipeline.train.starting_weights import check_class_count
from vcc.pipeline.train.step import register_network, train_step
from vcc.pipeline.unseen import check_unseen
from vcc.tracking.exports import versions_together
from vcc.tracking.registry import ONNX_SUFFIX, Version, get_version
from vcc.tracking.runs import Run, connect, open_run
from vcc.tracking.silent import SilentRun
from vcc.training.processes import is_first_process, require_one_process
from vcc.training.resuming import LAST_FILE

_logger = logging.getLogger(__name__)


def run_train(options: TrainEntry) -> None:
    """Train a dense network and register it as the baseline; with `folds`, cross-validate it.

    Of several processes that train together, the first one does all that is seen from outside.
    """
    dataset = find_prepared(options.root_path, options.dataset)
    if options.n_finetune_classes is None:
        check_class_count(options.n_classes, dataset)
    if options.folds is not None:
        connect()
        result = cross_validate(options, dataset, n_folds=options.folds)
        say_result(result, n_videos=len(dataset.manifest.videos))
        return
    if not is_first_process():
        logging.getLogger("vcc").setLevel(logging.WARNING)
        _train(options, dataset, run=SilentRun())
        return
    connect()
    resume = find_resumption(options.resume_path) if options.resume_path else None
    name = options.run_name or f"train {options.model} on {dataset.name}"
    trained: Path | None = None
    try:
        with open_run(
            name, step="train", options=options, continues=resume.run_id if resume else None
        ) as run:
            log_dataset(run, dataset, context="train")
            trained = checkpoint_folder(options.results, run.run_id) / LAST_FILE
            network = _train(options, dataset, run=run)
            epochs = epochs_trained(trained, resume)
            if (before := registered_before(resume, epochs)) is not None:
                say(f"this training was finished and is {before.uri}: nothing is registered again")
                return
            version = register_network(
                network,
                alias="baseline",
                tags={"run_id": run.run_id, EPOCHS_TAG: str(epochs)},
                metrics=size_figures(network),
            )
            run.describe(trained_note(network.card, version.uri, size_figures(network)))
            if options.test:
                _test(network, version, dataset, options)
    except TrackingError as error:
        if trained is None or not trained.is_file():
            raise
        msg = f"{error}; nothing is lost: repeat the command with resume_path={trained}"
        raise TrackingError(msg) from error
    say(f"results in {options.results.resolve()}")
    say(f"registered {version.uri} as baseline")
    say(f"next: mlflow run . -e compress --env-manager local -P model={options.model}")


def _test(
    network: Network, version: Version, dataset: PreparedDataset, options: TrainEntry
) -> None:
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


def _train(options: TrainEntry, dataset: PreparedDataset, *, run: Run) -> Network:
    return train_step(
        dataset,
        model=options.pick(ModelOptions),
        clip=options.pick(ClipOptions),
        training=options.pick(TrainingOptions),
        run=run,
        finetune=options.pick(FinetuneOptions),
        checkpoints=plan_checkpoints(
            options.pick(ResumeOptions), results=options.results, run_id=run.run_id
        ),
    )


def run_compress(options: CompressEntry) -> None:
    """Compress a registered baseline and register the result as challenger."""
    require_one_process(TrainingOptions())
    connect()
    resume = find_resumption(options.resume_path) if options.resume_path else None
    if resume is not None and options.source is None:
        # Another baseline may have been registered meanwhile.
        options = dataclasses.replace(options, source=parent_of(resume))
    source = find_source(options, alias=None if options.source else "baseline")
    parent = source.version.uri if source.version else None
    recipe = recipe_from_entry(options, source.network, parent=parent)
    name = options.run_name or f"compress {source.network.card.arch} by {recipe.schedule.stem}"
    with open_run(
        name, step="compress", options=options, continues=resume.run_id if resume else None
    ) as run:
        log_dataset(run, source.dataset, context="train")
        dense, dense_clip = size_figures(source.network), source.network.card.protocol
        plan = plan_checkpoints(
            options.pick(ResumeOptions), results=options.results, run_id=run.run_id
        )
        network = compress_step(source.network, source.dataset, recipe, run=run, checkpoints=plan)
        figures = size_figures(network)
        epochs = epochs_trained(plan.folder / LAST_FILE, resume)
        if (before := registered_before(resume, epochs)) is not None:
            say(f"this compression was finished and is {before.uri}: nothing is registered again")
            return
        version = register_network(
            network,
            alias="challenger",
            tags={
                "run_id": run.run_id,
                "schedule": recipe.schedule.name,
                EPOCHS_TAG: str(epochs),
            },
            metrics=figures,
        )
        run.describe(
            compressed_note(
                network.card, version.uri, before=dense, after=figures, dense=dense_clip
            )
        )
    say(f"parameters {dense['params']:,.0f} -> {figures['params']:,.0f}")
    say(f"MACs       {dense['macs']:,.0f} -> {figures['macs']:,.0f}")
    if network.card.protocol != dense_clip:
        say(f"clip       {dense_clip.text} -> {network.card.protocol.text}")
    say(f"results in {options.results.resolve()}")
    say(f"registered {version.uri} as challenger")
    say(f"next: mlflow run . -e evaluate --env-manager local -P model={options.model}")


def run_evaluate(options: EvaluateEntry) -> None:
    """Measure a registered network on the test videos."""
    connect()
    source = find_source(options, alias=options.alias, force_split=options.force_split)
    card = source.network.card
    seen = check_unseen(
        card.train_videos, source.dataset, who=_name_of(source), force=options.force_split
    )
    forced = seen or source.of_another_split
    name = options.run_name or f"evaluate {card.arch} {card.role} on {card.dataset}"
    with open_run(name, step="evaluate", options=options) as run:
        log_dataset(run, source.dataset, context="test")
        if forced:
            run.set_tags({"forced_split": f"trained on {card.split}"})
        # Fetched here: that it is compared on the same videos costs one more pass over them.
        dense = fetch_network(get_version(card.parent)) if card.parent else None
        metrics = evaluate_step(
            source.network,
            source.dataset,
            # Figures of videos it was trained on must not reach the version that a gate reads.
            version=None if forced else source.version,
            results=options.results,
            score=functools.partial(
                score_test,
                dataset=source.dataset,
                no_cuda=options.no_cuda,
                n_threads=options.n_threads,
                softmax=not options.no_softmax_in_test,
            ),
            run=run,
            dense=dense,
        )
    if forced:
        say(f"forced: trained on {card.split}, on test videos of {source.dataset.split}")
    say(f"{_name_of(source)} on {metrics['test_videos']:.0f} test videos of {card.dataset}")
    if dense is not None and dense.card.protocol != card.protocol:
        say(f"clips of {card.protocol.text}; the dense network's are {dense.card.protocol.text}")
    say(f"clip top-1  {metrics['clip_top1']:.1%}")
    say(f"video top-1 {metrics['video_top1']:.1%}")
    say(f"largest class alone {largest_class_share(source.dataset):.1%}")
    say(accuracy_lines(metrics["video_top1"], metrics["video_top5"]).strip())
    say(f"results in {options.results.resolve()}")


def run_export(options: ExportEntry) -> None:
    """Export a registered network, beside the one it was made from, and register the file."""
    connect()
    source = find_source(options, alias=options.alias)
    card = source.network.card
    # The file is scored on the test videos, too, and registered with that figure.
    check_unseen(card.train_videos, source.dataset, who=_name_of(source), force=False)
    networks = {card.role: source.network}
    if card.parent is not None:
        # A compressed network is called faster only against its dense parent in the same run.
        networks = {"dense": fetch_network(get_version(card.parent)), **networks}
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
            _register_parent(get_version(card.parent), exported["dense"], options, run)
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
        lines = []
        if options.latency_table:
            table = time_exported(exported, options.pick(ExportOptions), folder=folder)
            log_table(table, exported, run, folder=folder)
            lines = ["", *table_lines(table), ""]
        kept = _keep(made.path, options.output / f"{card.arch}-{card.dataset}-{card.role}.onnx")
    say(as_text(rows))
    for line in lines:
        say(line)
    say(f"wrote {kept.resolve()}")
    say(f"registered {version.uri}")


def _register_parent(parent: Version, made: Exported, options: ExportEntry, run: Run) -> None:
    """Register the file of what a network was made from, too, where it has none yet.

    The gate compares with it, and it has just been measured.
    """
    if ONNX_SUFFIX in versions_together(parent):
        return
    register_exported(
        made,
        checkpoint=parent,
        tags={"run_id": run.run_id},
        serving=options.pick(ServingOptions),
        aliases=[alias for alias in parent.aliases if alias == "baseline"],
    )


def _keep(path: Path, destination: Path) -> Path:
    with replacing(destination) as partial:
        shutil.copyfile(path, partial)
    return destination


def _name_of(source: Source) -> str:
    return source.version.uri if source.version else source.network.card.arch
