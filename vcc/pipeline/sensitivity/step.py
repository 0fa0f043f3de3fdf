"""The sensitivity step: how much of each layer can go, as table, picture, summary and schedule."""

from __future__ import annotations

import logging
import shlex
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import torch
from tqdm import tqdm

from vcc.cli import say
from vcc.compression.channels.graph import coupled_parameters
from vcc.compression.channels.trace import trace_channels
from vcc.compression.sensitivity.curves import Analysis, analyse, levels_between, prunable_weights
from vcc.compression.sensitivity.summary import summary_csv, summary_rows
from vcc.config.entrypoints import SensitivityEntry
from vcc.data.store.prepared import PreparedDataset
from vcc.errors import ConfigError
from vcc.evaluation.plots.sensitivity import sensitivity_figure
from vcc.evaluation.plots.style import save_figure
from vcc.models.network import network_of
from vcc.pipeline.card import Network
from vcc.pipeline.evaluate.dev_measure import DevMeasure
from vcc.pipeline.notes import sensitivity_note
from vcc.pipeline.prepare import log_dataset
from vcc.pipeline.sensitivity.clips import clip_sensitivity_step
from vcc.pipeline.sensitivity.summary import write_schedule, write_text
from vcc.pipeline.source import find_source
from vcc.tracking.runs import Run, connect, open_run

_logger = logging.getLogger(__name__)


def run_sensitivity(options: SensitivityEntry) -> None:
    """Analyse a registered network and write what it proposes.

    Raises:
        ConfigError: the levels are empty, or summary_path is a folder.
        DataError: nothing is prepared, or it has no dev videos.
        TrackingError: no registered version matches, or several do.
    """
    if options.group != "clip":
        _levels(options)
    if options.summary_path.is_dir():
        msg = f"summary_path: {options.summary_path} is a folder: name a file in it"
        raise ConfigError(msg)
    connect()
    source = find_source(options, alias=None if options.source else "baseline")
    card = source.network.card
    name = options.run_name or f"sensitivity of {card.arch} by {options.group}"
    with open_run(name, step="sensitivity", options=options) as run:
        log_dataset(run, source.dataset, context="dev")
        if options.group == "clip":
            written = clip_sensitivity_step(
                source.network, source.dataset, options, run=run, progress=_progress
            )
        else:
            written = sensitivity_step(source.network, source.dataset, options, run=run)
    for path in written:
        say(f"wrote {path.resolve()}")
    if written[-1].suffix == ".yaml":
        say(_next_command(options))


def _next_command(options: SensitivityEntry) -> str:
    given = {"model": options.model, "summary_path": str(options.summary_path)}
    if options.source is not None:
        given = {"source": options.source, "summary_path": str(options.summary_path)}
    if options.group != "element":
        given["summary_group"] = options.group
    words = "".join(f" -P {name}={shlex.quote(value)}" for name, value in given.items())
    return f"next: mlflow run . -e compress --env-manager local{words}"


def sensitivity_step(
    network: Network, dataset: PreparedDataset, options: SensitivityEntry, *, run: Run
) -> list[Path]:
    """Analyse a network; write and log table, picture, summary and schedule.

    Returns:
        The curves, the summary, and the schedule made from it unless nothing can be pruned.
    """
    started = time.monotonic()
    run.set_tags({"arch": network.card.arch, "method": f"sensitivity {options.group}"})
    measure = DevMeasure(
        network,
        dataset,
        n_videos=options.n_videos,
        seed=options.manual_seed,
        no_cuda=options.no_cuda,
        n_threads=options.n_threads,
    )
    if options.max_drop * measure.n_videos < 1:
        _logger.warning(
            "max_drop: %g is less than one of %d dev videos (%.3f): no layer may lose any",
            options.max_drop,
            measure.n_videos,
            1 / max(1, measure.n_videos),
        )
    analysis = _analyse(network, measure, options)
    written = _write(analysis, network, options, run, n_videos=measure.n_videos)
    run.log_metrics({"seconds": time.monotonic() - started, "videos_dev": measure.n_videos})
    for line in _lines(analysis, options):
        say(line)
    return written


def _levels(options: SensitivityEntry) -> tuple[float, ...]:
    levels = levels_between(options.level_start, options.level_stop, options.level_step)
    if not levels:
        msg = (
            f"level_stop: {options.level_stop} leaves no level from {options.level_start} on: "
            "levels stay below it; set it higher"
        )
        raise ConfigError(msg)
    return levels


def _analyse(network: Network, measure: DevMeasure, options: SensitivityEntry) -> Analysis:
    model, levels = network.model.cpu(), _levels(options)
    # A row of the last layer is a class: removing one cannot but lose it.
    head = f"{network_of(model).head_name}.weight" if options.group == "filter" else ""
    weights = [name for name in prunable_weights(model, options.group) if name != head]
    clip = torch.zeros(2, *network.card.clip_shape)
    coupled = coupled_parameters(model, trace_channels(model, clip))
    _logger.info(
        "%d layers x %d levels on %d dev videos", len(weights), len(levels), measure.n_videos
    )
    analysis = analyse(
        model,
        measure,
        group=options.group,
        levels=levels,
        weights=weights,
        coupled=coupled,
        progress=_progress,
    )
    # Measuring took it to the GPU where there is one.
    model.cpu()
    return analysis


def _progress(steps: Iterable[str], count: int) -> Iterable[str]:
    """Show a bar on a terminal; elsewhere a line for each tenth of the way."""
    bar = tqdm(steps, total=count, desc="sensitivity", leave=False, disable=None)
    every = max(1, count // 10)
    for number, step in enumerate(bar, 1):
        yield step
        if bar.disable and number % every == 0:
            _logger.info("sensitivity: %d of %d, last %s", number, count, step)


def _write(
    analysis: Analysis, network: Network, options: SensitivityEntry, run: Run, *, n_videos: int
) -> list[Path]:
    """Write and log everything; return the paths, the schedule's last if there is one."""
    proposal = analysis.proposal(options.max_drop)
    rows = summary_rows(network.model, proposal)
    summary = options.summary_path
    curves = summary.with_name(f"{summary.stem}.curves.csv")
    written = [curves, summary]
    write_text(curves, analysis.as_csv())
    write_text(summary, summary_csv(rows))
    if any(row.sparsity for row in rows):
        written.append(write_schedule(network, rows, summary, group=options.group))
    figure = sensitivity_figure(
        {
            name.removesuffix(".weight"): [(p.sparsity, p.measured.top1) for p in points]
            for name, points in analysis.curves().items()
        },
        baseline=analysis.baseline.top1,
        proposal={row.name: row.sparsity for row in rows},
        max_drop=options.max_drop,
        title=f"{network.card.arch}, one layer pruned by {options.group}, "
        f"{n_videos} dev videos of {network.card.dataset}",
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "sensitivity.csv").write_text(analysis.as_csv())
        save_figure(figure, folder / "sensitivity.png")
        run.log_file(folder, "sensitivity")
    for path in written[1:]:
        run.log_file(path, "sensitivity")
    sparsity = _log_figures(analysis, network, proposal, run)
    run.describe(
        sensitivity_note(
            network.card,
            group=options.group,
            layers=len(proposal),
            levels=len(_levels(options)),
            videos=n_videos,
            sparsity=sparsity,
        )
    )
    return written


def _log_figures(
    analysis: Analysis, network: Network, proposal: dict[str, float], run: Run
) -> float:
    """Log the figures and return the share of weights that the proposal takes."""
    sizes = {name: network.model.get_parameter(name).numel() for name in proposal}
    zeros = sum(share * sizes[name] for name, share in proposal.items())
    sparsity = zeros / max(1, sum(sizes.values()))
    run.log_metrics(
        {
            "dev_video_top1": analysis.baseline.top1,
            "dev_video_top5": analysis.baseline.top5,
            "dev_loss": analysis.baseline.loss,
            "proposed_sparsity": sparsity,
        }
    )
    by_level: dict[float, dict[str, float]] = {}
    for point in analysis.points:
        name = f"sensitivity.{point.parameter.removesuffix('.weight')}"
        by_level.setdefault(point.sparsity, {})[name] = point.measured.top1
    for level, figures in by_level.items():
        run.log_metrics(figures, step=round(100 * level))
    return sparsity


def _lines(analysis: Analysis, options: SensitivityEntry) -> list[str]:
    proposal = analysis.proposal(options.max_drop)
    width = max(map(len, proposal), default=0)
    return [
        f"dev video top-1 {analysis.baseline.top1:.1%} with nothing pruned",
        f"largest sparsity of each layer that costs at most {100 * options.max_drop:g} points:",
        *(f"  {name:<{width}}  {100 * share:5.1f} %" for name, share in proposal.items()),
    ]
