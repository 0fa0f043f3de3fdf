"""The tables of the page: every version, latency on each runtime, and the gate's verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from vcc.evaluation.plots.cost import CostPoint, fastest_and_best
from vcc.pipeline.compare.versions import ComparedVersion, Runtime, TimedFile

_GATE_HEADER = ["version", "gate", "misses", "promoted", "by", "why", "run"]


def version_rows(compared: Sequence[ComparedVersion]) -> list[list[str]]:
    """Return header and a row for each version."""
    front = front_of(compared)
    header = ["version", "alias", "made by", "video top-1", "95 % interval", "parameters",
              "MACs", "file", "median", "runtime", "not beaten"]  # fmt: skip
    return [header, *(_version_row(each, front) for each in compared)]


def latency_rows(compared: Sequence[ComparedVersion]) -> list[list[str]]:
    """Return header and a row for each version that was timed, a column for each runtime.

    The accuracy is that of the exported file, in the runtime that scored it.
    """
    timed = [each for each in compared if each.times]
    runtimes = sorted({runtime for each in timed for runtime in each.times})
    columns = (f"{runtime}, {precision}" for runtime, precision in runtimes)
    header = ["version", "file's video top-1", *columns]
    return [header, *([each.name, _file_top1(each), *_times(each, runtimes)] for each in timed)]


def gate_rows(compared: Sequence[ComparedVersion]) -> list[list[str]]:
    """Return header and a row for each version that was held to a gate or promoted."""
    rows = []
    for each in compared:
        tags = each.version.tags
        if "gate" not in tags and "promoted_at" not in tags:
            continue
        figures = (
            tags.get("gate", ""),
            tags.get("gate_misses", ""),
            tags.get("promoted_at", ""),
            tags.get("promoted_by", ""),
            tags.get("promoted_why", ""),
            tags.get("gate_run_id", ""),
        )
        rows.append([each.name, *figures])
    return [_GATE_HEADER, *rows]


def cost_points(compared: Sequence[ComparedVersion]) -> list[CostPoint]:
    """Return what the files measured, of those that have accuracy, latency and size."""
    return [point for each in compared if (point := _point(each)) is not None]


def front_of(compared: Sequence[ComparedVersion]) -> frozenset[str]:
    """Return the versions that no other on the same data and runtime beats in both."""
    front: set[str] = set()
    groups: dict[tuple[str, str], list[CostPoint]] = {}
    for each in compared:
        if (point := _point(each)) is not None:
            key = each.version.tags.get("data_digest", ""), point.runtime
            groups.setdefault(key, []).append(point)
    for points in groups.values():
        # Alone, it is not compared with anything.
        if len(points) > 1:
            front |= {point.name for point in fastest_and_best(points)}
    return frozenset(front)


def _point(each: ComparedVersion) -> CostPoint | None:
    top1, ms = each.file_figure("video_top1"), each.file_figure("latency_p50_ms")
    size = each.file_figure("size_bytes")
    if each.graph is None or top1 is None or ms is None or size is None:
        return None
    runtime = each.graph.tags.get("runtime", "unknown")
    return CostPoint(
        name=each.name, video_top1=top1, latency_ms=ms, size_bytes=size, runtime=runtime
    )


def _version_row(each: ComparedVersion, front: frozenset[str]) -> list[str]:
    accuracy, point = each.accuracy, _point(each)
    params, macs = each.figure("params"), each.figure("macs")
    videos = each.figure("test_videos") or 0
    return [
        each.name,
        ", ".join(each.aliases),
        "training" if each.is_dense else each.stages,
        f"{accuracy.mean:.1%} of {videos:.0f}" if accuracy else "not evaluated",
        f"{accuracy.low:.1%} to {accuracy.high:.1%}" if accuracy else "",
        f"{params / 1e6:.2f} M" if params is not None else "",
        f"{macs / 1e6:,.1f} M" if macs is not None else "",
        f"{point.size_bytes / 1e6:.2f} MB" if point else "not exported",
        f"{point.latency_ms:.2f} ms" if point else "",
        point.runtime if point else "",
        "yes" if each.name in front else "",
    ]


def _file_top1(each: ComparedVersion) -> str:
    top1 = each.file_figure("video_top1")
    return "" if top1 is None else f"{top1:.1%}"


def _times(each: ComparedVersion, runtimes: Sequence[Runtime]) -> list[str]:
    return [_time(each.times.get(runtime)) for runtime in runtimes]


def _time(timed: TimedFile | None) -> str:
    if timed is None:
        return ""
    ratio = f", {timed.speed_up:.2f}x" if timed.speed_up is not None else ""
    return f"{timed.ms:.2f} ms{ratio}"
