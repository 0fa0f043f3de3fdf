"""The whole path: prepare, train, compress, evaluate, export, register, and the table at the end.

One parent run holds the comparison; every step is a child of it. The steps share memory, not
artifacts, so that the heavy packages are imported once.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from collections.abc import Iterator, Mapping, Sequence

from vcc.cli import say
from vcc.config.compression import ClipChoice, CompressionOptions
from vcc.config.data import ClipOptions, PrepareOptions
from vcc.config.entrypoints import PipelineEntry
from vcc.config.export import ExportOptions
from vcc.config.options import Options
from vcc.config.serving import ServingOptions
from vcc.config.training import TrainingOptions
from vcc.data.prepared import PreparedDataset
from vcc.errors import GateError
from vcc.evaluation.accuracy import VideoScores
from vcc.evaluation.comparison import (
    PassMarks,
    Variant,
    as_markdown,
    as_text,
    speed_up,
    table_rows,
    video_speed_up,
)
from vcc.pipeline.card import Network
from vcc.pipeline.compress import compress_step
from vcc.pipeline.evaluate import evaluate_step, largest_class_share, score_test, size_figures
from vcc.pipeline.evaluation_artifacts import Scored
from vcc.pipeline.export import export_networks
from vcc.pipeline.export_table import log_table, table_lines, time_exported
from vcc.pipeline.exported import Exported, log_exported, register_exported
from vcc.pipeline.full_estimate import estimate_line, expected_videos, videos_of
from vcc.pipeline.notes import compressed_note, trained_note
from vcc.pipeline.prepare import log_dataset, prepare_step
from vcc.pipeline.recipe import recipe_for
from vcc.pipeline.report import Compared, log_report, summary_of
from vcc.pipeline.runtime import scratch_folder
from vcc.pipeline.train import register_network, train_step
from vcc.tracking.registry import Version
from vcc.tracking.runs import Run, connect, open_run
from vcc.training.processes import require_one_process

_logger = logging.getLogger(__name__)

_ALIASES = {"dense": "baseline", "compressed": "challenger"}


def run_pipeline(options: PipelineEntry) -> None:
    """Run every step and print the table.

    Raises:
        GateError: the figures miss the pass marks; the table is printed all the same.
    """
    require_one_process(options.pick(TrainingOptions))
    started = time.monotonic()
    if (videos := expected_videos(options)) is not None:
        say(estimate_line(options, videos))
    uri = connect()
    with open_run(options.run_name or "pipeline", step="pipeline", options=options) as run:
        variants, largest_class = _take_steps(options, run)
        rows = table_rows(variants)
        _log_comparison(variants, run)
        say()
        say(as_text(rows))
        say(f"(always naming the largest class would score {largest_class:.1%})")
        say()
        say(f"took {time.monotonic() - started:.0f} s")
        say(f"runs and models: {uri}")
        say(f"look at them:    mlflow ui --backend-store-uri {uri}")
        _check_marks(options, variants)


def _take_steps(options: PipelineEntry, run: Run) -> tuple[list[Variant], float]:
    with _step("prepare", options.pick(PrepareOptions)) as child:
        dataset = prepare_step(options.pick(PrepareOptions), child)
    if options.videos is not None:
        say(estimate_line(options, videos_of(dataset, options)))
    log_dataset(run, dataset, context="train")
    dense, baseline = _train(options, dataset)
    compressed, challenger = _compress(options, dataset, dense, baseline)
    networks = {"dense": dense, "compressed": compressed}
    versions = {"dense": baseline, "compressed": challenger}
    scores: dict[str, VideoScores] = {}
    for name, network in networks.items():
        with _step(f"evaluate {name}", options.pick(ClipOptions)) as child:
            log_dataset(child, dataset, context="test")
            scores[name] = score_test(
                network, dataset, no_cuda=options.no_cuda, n_threads=options.n_threads
            )
            evaluate_step(
                network,
                dataset,
                version=versions[name],
                results=options.results,
                score=lambda network: scores[network.card.role],
                run=child,
                dense=dense if name != "dense" else None,
            )
    with scratch_folder() as folder:
        exported = export_networks(
            networks,
            dataset,
            options.pick(ExportOptions),
            folder=folder,
            n_threads=options.n_threads,
            run_id=run.run_id,
        )
        if options.latency_table:
            table = time_exported(exported, options.pick(ExportOptions), folder=folder)
            log_table(table, exported, run, folder=folder)
            say()
            for line in table_lines(table):
                say(line)
        for name, made in exported.items():
            with _step(f"export {name}", options.pick(ExportOptions)) as child:
                log_dataset(child, dataset, context="test")
                log_exported(made, child)
        _register(exported, versions, dataset, options)
    before, after = (
        Compared(
            network=networks[name],
            scored=Scored(name=name, scores=scores[name]),
            variant=exported[name].variant(name),
        )
        for name in ("dense", "compressed")
    )
    log_report(before, after, dataset, run)
    return [before.variant, after.variant], largest_class_share(dataset)


def _train(options: PipelineEntry, dataset: PreparedDataset) -> tuple[Network, Version]:
    training = options.pick(TrainingOptions)
    with _step("train", training) as child:
        log_dataset(child, dataset, context="train")
        network = train_step(
            dataset,
            model=options.network(),
            clip=options.pick(ClipOptions),
            training=training,
            run=child,
        )
        version = register_network(
            network,
            alias="baseline",
            tags={"run_id": child.run_id},
            metrics=size_figures(network),
        )
        child.describe(trained_note(network.card, version.uri, size_figures(network)))
    return network, version


def _compress(
    options: PipelineEntry, dataset: PreparedDataset, dense: Network, baseline: Version
) -> tuple[Network, Version]:
    recipe = recipe_for(
        dense,
        options.pick(CompressionOptions),
        n_epochs=options.compress_n_epochs,
        learning_rate=options.compress_learning_rate,
        parent=baseline.uri,
        clips=ClipChoice(
            sample_size=options.compress_sample_size,
            sample_duration=options.compress_sample_duration,
            downsample=options.compress_downsample,
        ),
    )
    with _step("compress", recipe.training) as child:
        log_dataset(child, dataset, context="train")
        source = Network(model=copy.deepcopy(dense.model), card=dense.card)
        network = compress_step(source, dataset, recipe, run=child)
        version = register_network(
            network,
            alias="challenger",
            tags={"run_id": child.run_id, "schedule": recipe.schedule.name},
            metrics=size_figures(network),
        )
        before, after = size_figures(dense), size_figures(network)
        child.describe(
            compressed_note(
                network.card, version.uri, before=before, after=after, dense=dense.card.protocol
            )
        )
    return network, version


def _register(
    exported: Mapping[str, Exported],
    versions: Mapping[str, Version],
    dataset: PreparedDataset,
    options: PipelineEntry,
) -> None:
    with _step("register", options.pick(ExportOptions)) as child:
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


def _log_comparison(variants: Sequence[Variant], run: Run) -> None:
    dense, compressed = variants
    markdown = as_markdown(table_rows(variants))
    run.log_text(markdown + "\n", "comparison.md")
    run.describe(f"{summary_of(dense, compressed)}\n\n{markdown}")
    run.log_metrics(
        {
            "params": compressed.params,
            "macs": compressed.macs,
            "sparsity": compressed.sparsity,
            "size_bytes": compressed.size_bytes,
            "clip_top1": compressed.clip_top1,
            "video_top1": compressed.video_top1,
            "latency_p50_ms": compressed.latency_p50_ms,
            "latency_p95_ms": compressed.latency_p95_ms,
            "macs_ratio": dense.macs / compressed.macs,
            "clips_per_video": compressed.clips_per_video,
            "macs_per_video": compressed.macs * compressed.clips_per_video,
            "speedup": speed_up(dense, compressed),
            "speedup_per_video": video_speed_up(dense, compressed),
            "video_top1_drop": dense.video_top1 - compressed.video_top1,
        }
    )


def _check_marks(options: PipelineEntry, variants: Sequence[Variant]) -> None:
    built_in = options.videos is None
    if options.pass_marks == "off" or (options.pass_marks == "auto" and not built_in):
        return
    marks = PassMarks(
        video_top1=options.pass_video_top1,
        test_videos=options.pass_test_videos,
        drop=options.pass_drop,
        speedup=options.pass_speedup,
    )
    misses = marks.misses(*variants)
    if misses:
        msg = f"pass marks missed: {'; '.join(misses)}"
        raise GateError(msg)
    say("pass marks reached")


@contextlib.contextmanager
def _step(name: str, options: Options) -> Iterator[Run]:
    started = time.monotonic()
    _logger.info("--- %s", name)
    with open_run(name, step=name.split()[0], options=options) as run:
        yield run
        run.log_metrics({"seconds": time.monotonic() - started})
    _logger.info("--- %s took %.1f s", name, time.monotonic() - started)
