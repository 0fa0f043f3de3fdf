"""What a study found: a row per model and method, over its repeats.

Accuracy is compared in pairs, the same videos through the dense and the compressed file. With
seeds, a video's difference is its mean over them and the interval is that of videos drawn again
(percentile bootstrap, Efron 1979): it speaks of which videos are in the test set, the standard
deviation beside it of the training's luck. With splits and folds the repeats hold different videos,
which are pooled. Speed-ups are ratios within one cell's run, averaged over repeats by the geometric
mean.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vcc.evaluation.paired import mcnemar_p
from vcc.evaluation.study.results import EAGER, CellResult

_DRAWS = 10_000
_EAGER = (EAGER, "f32")
_ORT = ("onnxruntime CPU", "f32")


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float


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
        drop: mean paired loss of video top-1 against the dense network, as a share; None if dense.
        p_values: exact McNemar p of each repeat, dense against compressed.
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
    drop: Interval | None
    p_values: tuple[float, ...]
    runtime: str
    best_ms: float
    eager_ms: float
    vs_eager: float
    vs_ort: float
    vs_dense: float
    videos: int


def summarise(results: Iterable[CellResult], *, pooled: bool) -> list[StudyRow]:
    """Return a row per model and method, in the order of first appearance.

    Args:
        results: cells, each with its own timings.
        pooled: whether repeats hold different videos (splits or folds).
    """
    groups: dict[tuple[str, str], list[CellResult]] = {}
    for result in results:
        groups.setdefault((result.model, result.method), []).append(result)
    return [_row(group, pooled=pooled) for group in groups.values()]


def paired_drop(results: Sequence[CellResult], *, pooled: bool) -> Interval:
    """Return the mean loss of video accuracy against the dense network, with its interval."""
    losses = [_bits(result.dense_right) - _bits(result.right) for result in results]
    if pooled:
        return bootstrap_mean(np.concatenate(losses))
    return bootstrap_mean(np.mean(losses, axis=0))


def bootstrap_mean(values: NDArray[np.float64], *, seed: int = 0) -> Interval:
    """Return the mean of values and its 95 % percentile interval over draws with replacement.

    Args:
        values: [n], one per independent unit.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    # Counting how often each value was drawn needs n numbers per draw, not n indices and a gather.
    found, counts = np.unique(values, return_counts=True)
    drawn = generator.multinomial(len(values), counts / len(values), size=_DRAWS)
    means = drawn @ found / len(values)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(mean=float(values.mean()), low=float(low), high=float(high))


def _row(group: Sequence[CellResult], *, pooled: bool) -> StudyRow:
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
        drop=paired_drop(group, pooled=pooled) if compressed else None,
        p_values=tuple(_p_value(result) for result in group) if compressed else (),
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


def _bits(text: str) -> NDArray[np.float64]:
    return np.frombuffer(text.encode(), np.uint8).astype(np.float64) - ord("0")


def _p_value(result: CellResult) -> float:
    pairs = list(zip(result.dense_right, result.right, strict=True))
    return mcnemar_p(pairs.count(("1", "0")), pairs.count(("0", "1")))
