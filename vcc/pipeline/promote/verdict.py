"""Holds a candidate to the gate, and writes on its versions what came of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from vcc.cli import say
from vcc.config.entrypoints import PromoteEntry
from vcc.data.store.prepared import PreparedDataset, find_prepared
from vcc.errors import GateError, TrackingError
from vcc.evaluation.comparison import as_markdown, as_text
from vcc.pipeline.export.sessions import scratch_folder
from vcc.pipeline.promote.measure import measure_versions
from vcc.tracking.gate import GateFigures, PromotionGate, find_misses
from vcc.tracking.promotion_lock import now, who
from vcc.tracking.registry import Version, get_version, tag_version
from vcc.tracking.runs import Run
from vcc.tracking.versions_together import versions_together

_logger = logging.getLogger(__name__)

ARTIFACT = "promotion.json"


def judge(
    options: PromoteEntry,
    gate: PromotionGate,
    target: Version,
    champion: Version | None,
    *,
    run: Run,
) -> dict[str, Any]:
    """Measure, compare and return what goes into the record.

    Args:
        options: data and machine.
        gate: the marks.
        target: the candidate.
        champion: what it would replace, if anything.
        run: takes table, figures and note.

    Raises:
        GateError: it misses marks; every one is named.
    """
    versions = {"candidate": target, "dense": _dense(target), "champion": champion}
    dataset = find_prepared(options.root_path, options.dataset or target.tags.get("dataset"))
    run.set_tags({"dataset": dataset.name, "data_digest": dataset.digest})
    with scratch_folder() as folder:
        figures, parity_error, gained = measure_versions(
            versions, dataset, gate.marks, n_threads=options.n_threads, folder=folder
        )
    candidate = figures["candidate"]
    misses = find_misses(
        gate.marks,
        candidate,
        dense=figures.get("dense"),
        champion=figures.get("champion"),
        parity_error=parity_error,
    )
    misses += _wrong_data(candidate, dataset)
    if gained is not None and not gained.is_real:
        _logger.warning(
            "the speed-up over the dense baseline, %s, is inside the spread of %d rounds: raise "
            "latency_runs in the gate file, or measure on a machine at rest",
            gained.as_text(),
            gained.rounds,
        )
    rows = _rows(figures)
    say(as_text(rows))
    run.log_text(as_markdown(rows) + "\n", "gate.md")
    verdict = f"misses the gate: {'; '.join(misses)}" if misses else "passes the gate"
    run.describe(
        f"{target.uri} {verdict} ({gate.source}), measured on {candidate.test_videos} test videos "
        f"of {dataset.name} and on {candidate.runtime}.\n\n{as_markdown(rows)}"
    )
    run.log_metrics(
        {
            f"{name}.{key}": value
            for name, each in figures.items()
            for key, value in each.as_dict().items()
            if isinstance(value, int | float)
        }
    )
    found = {
        "gate": {"source": gate.source, "digest": gate.digest, **gate.marks.as_dict()},
        "figures": {name: each.as_dict() for name, each in figures.items()},
        "speedup": asdict(gained) if gained else None,
        "misses": misses,
    }
    if misses:
        run.log_dict({"candidate": target.uri, "who": who(), "when": now(), **found}, ARTIFACT)
        tags = {"gate": "failed", "gate_misses": "; ".join(misses), "gate_run_id": run.run_id}
        tag_all(target, tags)
        msg = f"{target.uri} misses the gate: {'; '.join(misses)}: the champion stays"
        raise GateError(msg)
    return found


def tag_all(target: Version, tags: Mapping[str, str]) -> None:
    """Add tags to every version that was registered with one."""
    for version in versions_together(target).values():
        tag_version(version, tags)


def _dense(version: Version) -> Version | None:
    """Return the dense version that a version was made from; None when it is dense itself."""
    seen = {version.uri}
    current = version
    while current.tags.get("role") != "dense":
        parent = current.tags.get("parent")
        if parent is None or parent in seen:
            msg = (
                f"{version.uri}: names no dense version that it was made from (tag parent): there "
                "is nothing to compare it with"
            )
            raise TrackingError(msg)
        seen.add(parent)
        current = get_version(parent)
    return None if current is version else current


def _wrong_data(candidate: GateFigures, dataset: PreparedDataset) -> list[str]:
    if candidate.dataset == dataset.name and candidate.data_digest != dataset.digest:
        return [
            f"the prepared data {dataset.name} ({dataset.digest[:12]}) are not those it was "
            f"trained on ({candidate.data_digest[:12]}): test videos may be training videos"
        ]
    return []


def _rows(figures: Mapping[str, GateFigures]) -> list[list[str]]:
    each = list(figures.values())
    return [
        ["", *figures],
        ["version", *(f.version.removeprefix("models:/") for f in each)],
        ["video top-1", *(f"{f.video_top1:.1%} of {f.test_videos}" for f in each)],
        ["video top-1, 95 % from", *(f"{f.video_top1_low:.1%}" for f in each)],
        ["largest class", *(f"{f.largest_class:.1%}" for f in each)],
        ["classes named", *(f"{sum(map(bool, f.answers))} of {len(f.answers)}" for f in each)],
        ["clip top-1", *(f"{f.clip_top1:.1%}" for f in each)],
        ["clip", *(f"{f.clip}, {f.clips_per_video:.2f} a video" for f in each)],
        ["latency p50", *(f"{f.p50_ms:.2f} ms" for f in each)],
        ["latency p95", *(f"{f.p95_ms:.2f} ms" for f in each)],
        ["file size", *(f"{f.size_bytes / 1e6:.2f} MB" for f in each)],
        ["runtime", *(f.runtime for f in each)],
    ]
