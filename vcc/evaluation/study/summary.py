"""What a study found: a row per model and method, over its repeats.

Accuracy is compared in pairs, the same videos through the dense and the compressed file. With
seeds, a video's difference is its mean over them and the interval is that of videos drawn again, by
groups where these are known (`losses`): it speaks of which videos are in the test set, the standard
deviation beside it of the training's luck. With splits and folds the repeats hold different videos,
which are pooled. Speed-ups are ratios within one cell's run, averaged over repeats by the geometric
mean.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vcc.evaluation.study.losses import Loss, Pair, paired_loss
from vcc.evaluation.study.results import EAGER, CellResult

_EAGER = (EAGER, "f32")
_ORT = ("onnxruntime CPU", "f32")


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """One model and method.

    Attributes:
        model: name in the matrix.
        method: name in the matrix.
        repeats: how many seeds, splits or folds.
        params: mean over repeats, as are `macs` and `size_bytes`.
        macs: of one timed clip.
        size_bytes: of the exported file.
        video_top1: mean over repeats, 0..1.
        spread: standard deviation of it over repeats; 0 for one repeat.
        drop: paired loss of video top-1 against the dense network; None if dense.
        against: the same against the reference method's network; None where there is no such.
        runtime: the fastest runtime and precision, such as "OpenVINO CPU int8", of those in which
            accuracy is measured.
        best_ms: median there, mean over repeats.
        eager_ms: of the dense network in PyTorch, in the same runs.
        vs_eager: how many times faster than that.
        vs_ort: than the dense float32 file in ONNX Runtime, in the same runs.
        vs_dense: than the dense network on its fastest runtime, bfloat16 included, in the same
            runs.
        videos: test videos of one repeat; with splits and folds, of all.
    """

    model: str
    method: str
    repeats: int
    params: float
    macs: float
    size_bytes: float
    video_top1: float
    spread: float
    drop: Loss | None
    against: Loss | None
    runtime: str
    best_ms: float
    eager_ms: float
    vs_eager: float
    vs_ort: float
    vs_dense: float
    videos: int


def summarise(
    results: Iterable[CellResult], *, pooled: bool, reference: str | None = None
) -> list[StudyRow]:
    """Return a row per model and method, in the order of first appearance.

    Args:
        results: cells, each with its own timings.
        pooled: whether repeats hold different videos (splits or folds).
        reference: method whose networks the others are compared with, beside the dense ones.
    """
    groups: dict[tuple[str, str], list[CellResult]] = {}
    for result in results:
        groups.setdefault((result.model, result.method), []).append(result)
    return [
        _row(
            group,
            pooled=pooled,
            others=[] if reference in (None, method) else groups.get((model, str(reference)), []),
        )
        for (model, method), group in groups.items()
    ]


def loss_against(
    group: Sequence[CellResult], others: Sequence[CellResult], *, pooled: bool
) -> Loss | None:
    """Return what cells lose against others of the same repeats; None where there are none."""
    known: Mapping[str, CellResult] = {other.repeat: other for other in others}
    pairs = [
        Pair(before=known[result.repeat].right, after=result.right, groups=result.groups)
        for result in group
        if result.repeat in known
    ]
    return paired_loss(pairs, pooled=pooled) if pairs else None


def loss_against_dense(group: Sequence[CellResult], *, pooled: bool) -> Loss:
    """Return what compressed cells lose against the dense files that were scored beside them."""
    return paired_loss(
        [Pair(before=r.dense_right, after=r.right, groups=r.groups) for r in group], pooled=pooled
    )


def _row(group: Sequence[CellResult], *, pooled: bool, others: Sequence[CellResult]) -> StudyRow:
    first = group[0]
    compressed = bool(first.dense_right)
    own = "compressed" if compressed else "dense"
    accuracies = [result.video_top1 for result in group]
    best = [timing for result in group if (timing := result.best(own)) is not None]
    names = [f"{timing.runtime} {timing.precision}" for timing in best]
    return StudyRow(
        model=first.model,
        method=first.method,
        repeats=len(group),
        params=statistics.fmean(result.params for result in group),
        macs=statistics.fmean(result.macs for result in group),
        size_bytes=statistics.fmean(result.size_bytes for result in group),
        video_top1=statistics.fmean(accuracies),
        spread=statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
        drop=loss_against_dense(group, pooled=pooled) if compressed else None,
        against=loss_against(group, others, pooled=pooled),
        runtime=statistics.mode(names) if names else "",
        best_ms=_mean([timing.p50_ms for timing in best]),
        eager_ms=_mean(_times(group, _EAGER)),
        vs_eager=_speed_up(group, own, _EAGER),
        vs_ort=_speed_up(group, own, _ORT),
        vs_dense=_speed_up(group, own, None),
        videos=sum(len(result.right) for result in group) if pooled else len(first.right),
    )


def _times(group: Sequence[CellResult], where: tuple[str, str]) -> list[float]:
    rows = (result.time_of("dense", *where) for result in group)
    return [row.p50_ms for row in rows if row is not None]


def _speed_up(group: Sequence[CellResult], own: str, where: tuple[str, str] | None) -> float:
    ratios = []
    for result in group:
        # Whoever has bfloat16 has it without compressing anything.
        fastest_dense = result.best("dense", any_precision=True)
        reference = fastest_dense if where is None else result.time_of("dense", *where)
        fastest = result.best(own)
        if reference is not None and fastest is not None:
            ratios.append(reference.p50_ms / fastest.p50_ms)
    return statistics.geometric_mean(ratios) if ratios else float("nan")


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else float("nan")
