"""The tables of an export, of runtimes and of layers: timed, printed and logged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vcc.config.export import ExportOptions
from vcc.evaluation.comparison import as_markdown, as_text
from vcc.export.doctor import cpu_features
from vcc.export.layer_profile import profile_lines, profiles_csv
from vcc.export.plots import plot_latency, plot_pareto
from vcc.export.runtime_table import Candidate, RuntimeTable, time_runtimes
from vcc.pipeline.export.record import Exported
from vcc.tracking.runs import Run


def time_exported(
    exported: Mapping[str, Exported], options: ExportOptions, *, folder: Path
) -> RuntimeTable:
    """Time files, and the networks in PyTorch, on every runtime of this machine, in turns.

    Args:
        exported: name -> file; the first is what the others are compared with.
        options: batch sizes, runs, threads.
        folder: where copies go; it exists.
    """
    candidates = {
        name: Candidate(
            path=made.path,
            clip_shape=made.network.card.clip_shape,
            # In PyTorch a quantized network computes in float what integers would give.
            classifier=None if made.quant_target else made.network.classifier(),
        )
        for name, made in exported.items()
    }
    return time_runtimes(
        candidates,
        batches=sorted({options.latency_batch, *options.latency_batches}),
        runs=options.latency_runs,
        warmup=options.latency_warmup,
        threads=options.latency_threads,
        folder=folder,
    )


def log_table(
    table: RuntimeTable, exported: Mapping[str, Exported], run: Run, *, folder: Path
) -> None:
    """Log a table of runtimes: medians as metrics, its text, coverage and pictures as artifacts."""
    run.log_metrics(table.metrics())
    clips = {name: made.network.card.protocol.text for name, made in exported.items()}
    said = [f"clips: {', '.join(f'{name} {text}' for name, text in clips.items())}"]
    notes = "".join(f"\n{line}\n" for line in [*said, *table.not_run()])
    run.log_text(f"{as_markdown(table.cells())}\n{notes}", "runtimes.md")
    if table.coverages:
        run.log_text("\n".join(coverage_lines(table)) + "\n", "int8_coverage.txt")
    smallest = min(row.batch for row in table.rows)
    rows = [row for row in table.rows if row.batch == smallest]
    accuracies = {name: made.video_top1 for name, made in exported.items()}
    run.log_file(plot_latency(rows, folder / "latency.png"), "plots")
    run.log_file(plot_pareto(rows, accuracies, folder / "accuracy_latency.png"), "plots")


def coverage_lines(table: RuntimeTable) -> list[str]:
    """Return which layers of quantized networks run in int8, by runtime."""
    return [f"{name}: {coverage.as_text()}" for name, coverage in table.coverages]


def table_lines(table: RuntimeTable) -> list[str]:
    """Return the table as printed, with what its figures hold for, and int8 coverage."""
    features = " ".join(cpu_features()) or "unknown"
    lines = [
        "milliseconds per run, in turns; none: a difference inside the spread of the rounds",
        f"{table.threads} threads; CPU features: {features}",
        as_text(table.cells()),
        *table.not_run(),
    ]
    if table.coverages:
        lines += coverage_lines(table)
        if "avx512_vnni" not in features and "avx_vnni" not in features:
            lines.append("this CPU has no VNNI: int8 speed here says nothing about one that has it")
    return lines


def log_profiles(exported: Mapping[str, Exported], run: Run) -> list[str]:
    """Log what every layer of every file takes, `layers.csv`; return the largest as lines.

    Nothing is logged or returned where the runtime does not show its layers.
    """
    profiles = {name: made.profile for name, made in exported.items() if made.profile is not None}
    if not profiles:
        return []
    run.log_text(profiles_csv(profiles), "layers.csv")
    return ["", *profile_lines(profiles)]
