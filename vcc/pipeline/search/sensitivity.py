"""Where filters hurt least, group by group, and candidates that meet the target to begin with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vcc.compression.thinning.targets import allowed_sparsity
from vcc.files import write_whole
from vcc.pipeline.search.judge import Judge
from vcc.pipeline.search.knobs.clips import cheaper_ones
from vcc.pipeline.search.space import (
    ALL_TAPS,
    INT8,
    MOST,
    STEM,
    STEP,
    SearchCandidate,
    Space,
)
from vcc.pipeline.search.structure import CandidateBuilder
from vcc.progress import follow
from vcc.spreadsheet import CsvWriter

LEVELS = (0.3, 0.6, MOST)
# A rank of some 16 for a stem of 7x7x7.
_STEM_RANK = 0.12
_STEPS = round(1 / STEP)

# Group -> {share of its filters that goes: dev video top-1}.
Curves = Mapping[str, Mapping[float, float]]


def measure_curves(
    builder: CandidateBuilder, judge: Judge, *, dense_top1: float, kept: Path
) -> Curves:
    """Return the accuracy with filters of one group gone, statistics estimated again.

    Args:
        builder: of candidates.
        judge: what measures them.
        dense_top1: of the network with nothing gone.
        kept: file of the curves; a search that goes on reads it.
    """
    found = _read(kept, builder.space)
    if found is not None:
        return found
    curves: dict[str, dict[float, float]] = {
        group.name: {0.0: dense_top1} for group in builder.space.groups
    }
    steps = [(name, level) for name in curves for level in LEVELS]
    for name, level in follow(steps, "sensitivity of groups", unit="networks"):
        shares = {**dict.fromkeys(curves, 0.0), name: level}
        network = builder.build(builder.space.of(shares, 1.0, int8=False))
        curves[name][level] = judge.settle(network)
    write_whole(kept, json.dumps(curves, indent=1))
    return curves


def curves_csv(curves: Curves) -> str:
    """Return curves as CSV: group, share, top1."""
    out = io.StringIO()
    writer = CsvWriter(out)
    writer.writerow(["group", "share", "top1"])
    for name, points in curves.items():
        for share, top1 in sorted(points.items()):
            writer.writerow([name, share, round(top1, 6)])
    return out.getvalue()


def start_points(
    space: Space, curves: Curves, holds: Callable[[SearchCandidate], bool]
) -> list[SearchCandidate]:
    """Return candidates that meet the target and take no more than that needs.

    Alike from every group; by the curves, more where it hurts less; both with the stem as it is
    and decomposed, in each precision. In the first precision also with the stem cut in time, and
    with each of the cheaper clips. The smallest candidate is the last.

    Args:
        space: of candidates.
        curves: of `measure_curves`.
        holds: whether a candidate meets the target.
    """
    found = [
        _least(partial(_at, space, shares, start), holds)
        for start in _starts(space)
        for shares in (_alike(space), _by_curves(curves))
    ]
    smallest = space.smallest(int8=INT8 in space.precisions)
    unique = {str(each): each for each in found if each is not None}
    return [*unique.values(), smallest]


@dataclass(frozen=True, kw_only=True)
class _Start:
    """What a first candidate has beside its filters; see `Space.of`."""

    int8: bool
    rank: float = 1.0
    taps: int = ALL_TAPS
    clip: str | None = None


def _starts(space: Space) -> Iterator[_Start]:
    first = INT8 in space.precisions
    for int8 in dict.fromkeys(precision == INT8 for precision in space.precisions):
        yield _Start(int8=int8)
        if STEM in space.units:
            yield _Start(int8=int8, rank=_STEM_RANK)
    if space.stem_time is not None:
        yield _Start(int8=first, taps=_middle(space.stem_time.shorter))
    for clip in cheaper_ones(space.clips):
        yield _Start(int8=first, clip=clip)


def _middle(taps: Sequence[int]) -> int:
    return taps[len(taps) // 2]


def _at(
    space: Space, shares: Callable[[float], dict[str, float]], start: _Start, t: float
) -> SearchCandidate:
    """Return the candidate of a strength."""
    return space.of(shares(t), start.rank, start.int8, taps=start.taps, clip=start.clip)


def _least(
    candidate: Callable[[float], SearchCandidate], holds: Callable[[SearchCandidate], bool]
) -> SearchCandidate | None:
    """Return the first that holds of candidates from strength 0 to 1; None where not even 1 does.

    By bisection: a stronger candidate costs less.
    """
    low, high = -1, _STEPS
    if not holds(candidate(1.0)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if holds(candidate(middle / _STEPS)):
            high = middle
        else:
            low = middle
    return candidate(high / _STEPS)


def _alike(space: Space) -> Callable[[float], dict[str, float]]:
    return lambda strength: {group.name: MOST * strength for group in space.groups}


def _by_curves(curves: Curves) -> Callable[[float], dict[str, float]]:
    """Return strength -> shares; it is the accuracy that a group may cost, of the worst cost."""
    worst = max((max(points.values()) - min(points.values()) for points in curves.values()),
                default=0.0)  # fmt: skip
    return lambda strength: {
        name: allowed_sparsity(points, strength * worst) for name, points in curves.items()
    }


def _read(path: Path, space: Space) -> Curves | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        curves = {
            str(name): {float(share): float(top1) for share, top1 in points.items()}
            for name, points in found.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    # The comparison also catches NaN, which would rank nothing.
    if not all(0 <= top1 <= 1 for points in curves.values() for top1 in points.values()):
        return None
    return curves if set(curves) == {group.name for group in space.groups} else None
