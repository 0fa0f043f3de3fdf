"""What a search ends with: the front's schedules, the finalists, the report, the registered one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vcc.config.entrypoints import SearchEntry
from vcc.config.search import SearchOptions
from vcc.errors import GateError
from vcc.evaluation.comparison import as_markdown
from vcc.export.benchmark import Latency, speed_up
from vcc.files import write_whole
from vcc.pipeline.export.turns import DENSE, EAGER
from vcc.pipeline.full.child_run import child_run
from vcc.pipeline.search import report
from vcc.pipeline.search.finalists import Finalist, Finals
from vcc.pipeline.search.report import SearchFindings
from vcc.pipeline.search.schedules import schedule_text
from vcc.pipeline.search.step import Workshop
from vcc.pipeline.search.study import Outcome
from vcc.tracking.runs import Run

_logger = logging.getLogger(__name__)


def write_schedule(outcome: Outcome, workshop: Workshop, options: SearchEntry, arch: str) -> Path:
    """Write the schedule of a trial into the search's folder and return its path."""
    path = workshop.folder / "schedules" / f"trial{outcome.number}.yaml"
    target = workshop.target
    header = {
        "goal": f"{target.option} {target.asked:g} for {arch}, found by search",
        "command": f"mlflow run . -e compress -P model={options.model} -P schedule={path}",
        "baseline": "the trained network that the command starts from, which teaches",
        "result": f"{target.text(outcome.best_price())} and dev video top-1 "
        f"{100 * (outcome.top1 or 0):.1f} % after a short training",
    }
    text = schedule_text(
        outcome.candidate,
        workshop.builder.space,
        n_epochs=options.final_epochs,
        quant_target=workshop.quant_target,
        header=header,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
    return path


def make_finalist(
    outcome: Outcome, workshop: Workshop, finals: Finals, options: SearchEntry, arch: str
) -> Finalist:
    """Compress a trial's candidate in full, in a run of its own, and measure it on dev."""
    path = write_schedule(outcome, workshop, options, arch)
    with child_run(f"finalist {path.stem}", options.pick(SearchOptions)) as run:
        run.log_params(outcome.candidate.params())
        made = finals.make(path, run)
        top1 = workshop.judge.top1(made.network)
        run.log_metrics({"dev_video_top1": top1})
        run.set_tags({"method": "search finalist"})
    return Finalist(name=path.stem, outcome=outcome, made=made, top1=top1)


def log_found(
    found: SearchFindings, workshop: Workshop, options: SearchEntry, arch: str, run: Run
) -> None:
    """Write tables, picture and the front's schedules into the search's folder, and log them."""
    folder = workshop.folder
    for outcome in found.front:
        write_schedule(outcome, workshop, options, arch)
    write_whole(folder / "trials.csv", report.outcomes_csv(found.outcomes))
    write_whole(folder / "front.csv", report.outcomes_csv(found.front))
    report.draw(found, folder / "front.png", title=f"{arch}: {workshop.target.option} "
                f"{workshop.target.asked:g} on {workshop.provider}")  # fmt: skip
    write_whole(folder / "report.md", report_text(found, arch=arch, provider=workshop.provider))
    for name in ("trials.csv", "front.csv", "front.png", "report.md", "schedules"):
        run.log_file(folder / name, "schedules" if name == "schedules" else "search")
    middle, largest, _ = report.prediction_error(found)
    run.log_metrics(
        {
            "dev_video_top1": found.dense_top1,
            "latency_error": middle,
            "latency_error_max": largest,
        }
    )


def report_text(found: SearchFindings, *, arch: str, provider: str) -> str:
    """Return the report of a search as Markdown."""
    target = found.target
    lines = [
        f"# {arch}: {target.option} {target.asked:g} on {provider}",
        "",
        f"Target: {target.words()}; the dense network: {found.dense_figure:.4g} {target.unit}, "
        f"dev video top-1 {found.dense_top1:.1%} of {found.dev_videos} videos, which judged the "
        "trials, too. Test videos were not read.",
        "",
        "Trials that no other beats in both, trained for a short while:",
        "",
        report.front_markdown(found),
        "",
        report.error_line(found).capitalize() + ".",
    ]
    if found.finalists:
        lines += ["", "Compressed in full, files timed in turns:", "",
                  as_markdown(report.finalists_rows(found))]  # fmt: skip
    return "\n".join(lines) + "\n"


def best_finalist(found: SearchFindings, *, max_drop: float | None) -> Finalist:
    """Return the most accurate finalist that holds the target and the drop that is allowed.

    Where the drop is the target, the fastest one.

    Args:
        found: with finalists that were timed.
        max_drop: of dev video top-1 against the dense network; None: no matter.

    Raises:
        GateError: none does; says the best there is.
    """
    timed_ones = [each for each in found.finalists if each.name in found.times]
    ranked = sorted(timed_ones, key=lambda each: -each.top1)
    if not ranked:
        msg = "no finalist's file agrees with its network: see the warnings: nothing was registered"
        raise GateError(msg)
    for each in _fastest_first(ranked, found) if found.target.drop is not None else ranked:
        least = -1.0 if max_drop is None else found.dense_top1 - max_drop - 1e-9
        if each.top1 >= least and holds(each, found):
            return each
    best = ranked[0]
    timed = found.times[best.name]
    faster = speed_up(found.times[EAGER].latency, timed.latency).as_text()
    named = [] if found.target.drop is not None else [found.target.option]
    marks = " and ".join([*named, *([] if max_drop is None else [f"max_drop={max_drop:g}"])])
    msg = (
        f"no finalist holds {marks}: the best, {best.name}, takes {timed.latency.p50_ms:.4g} ms "
        f"({faster} against {EAGER}) and {timed.size_mb:.4g} MB at dev video top-1 {best.top1:.1%} "
        f"(dense {found.dense_top1:.1%}): nothing was registered: try more trials, "
        "more final_epochs, or ask for less"
    )
    raise GateError(msg)


def _fastest_first(finalists: Sequence[Finalist], found: SearchFindings) -> list[Finalist]:
    return sorted(finalists, key=lambda each: found.times[each.name].latency.p50_ms)


def holds(finalist: Finalist, found: SearchFindings) -> bool:
    """Return whether a finalist's file meets the target; a time: in one round of ten at least.

    A speed-up is that over the dense network in PyTorch in these very turns: what that took when
    the search began, another load of the machine may have made. Where the target is a drop, it is
    to be faster than the dense network's file.
    """
    target, timed = found.target, found.times[finalist.name]
    if target.drop is not None:
        return speed_up(found.times[DENSE].latency, timed.latency).high > 1
    if target.is_speed_up:
        return speed_up(found.times[EAGER].latency, timed.latency).high >= target.asked
    price = replace(finalist.outcome.price, latency_ms=_low(timed.latency), size_mb=timed.size_mb)
    if target.figure == "macs":
        after, before = finalist.made.after["macs"], finalist.made.before["macs"]
        price = replace(price, macs=after / before)
    return target.violation(price) <= 0


def _low(latency: Latency) -> float:
    # One median wavers: a target is missed that nine rounds of ten are above.
    return sorted(latency.rounds_ms)[len(latency.rounds_ms) // 10]
