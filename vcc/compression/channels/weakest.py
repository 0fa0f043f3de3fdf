"""Which channels go, weakest first, so that all of them can: groups of grouped convolutions alike.

Each group of a grouped convolution must lose as many input channels as the others, and as many
output channels. Where convolutions are chained by shuffles, sums and concatenations, one such rule
touches another, and masks that are chosen layer by layer meet few of them. The choice is a small
integer program here: a channel goes or stays, every group of a convolution loses the same number.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from torch import Tensor

from vcc.compression.channels.grouped import Side, grouped_sides
from vcc.compression.channels.trace import ChannelGroup
from vcc.compression.masks.selection import keep_highest

log = logging.getLogger(__name__)

# The solver may stop this close to the best choice, as a share of its worth, and after so many
# branches: a count and no time, so that a resumed run chooses the same.
_SOLVER = {"mip_rel_gap": 1e-3, "node_limit": 10_000}


def weakest_channels(
    groups: Sequence[ChannelGroup], scores: Sequence[Tensor], counts: Sequence[int]
) -> list[Tensor]:
    """Return which channels go, a bool [n] for each group.

    Where no grouped convolution is involved, exactly `counts` of each group. Elsewhere at most so
    many: as many as leave the convolutions' groups equal, none of them empty.

    Args:
        groups: of `trace_channels`: all that share grouped convolutions.
        scores: worth of each group's channels, [n]; the lowest go first.
        counts: how many of each group may go.
    """
    dead = [~keep_highest(score.cpu(), count) for score, count in zip(scores, counts, strict=True)]
    sizes = [len(group.roots) for group in groups]
    of_group = torch.repeat_interleave(torch.arange(len(groups)), torch.tensor(sizes))
    for linked, sides in _linked(grouped_sides(groups), of_group):
        chosen = _chosen(linked, sides, of_group, scores, counts)
        if chosen is None:
            log.warning("%s", _unchosen(groups, linked))
            chosen = torch.zeros(len(of_group), dtype=torch.bool)
        start = 0
        for number, size in enumerate(sizes):
            if number in linked:
                dead[number] = chosen[start : start + size]
            start += size
    return dead


def _linked(sides: Sequence[Side], of_group: Tensor) -> list[tuple[set[int], list[Side]]]:
    """Return sets of groups that sides link, with those sides."""
    found: list[tuple[set[int], list[Side]]] = []
    for side in sides:
        linked, joined = set(of_group[side.channels].tolist()), [side]
        apart = []
        for others, theirs in found:
            if others & linked:
                linked |= others
                joined = [*theirs, *joined]
            else:
                apart.append((others, theirs))
        found = [*apart, (linked, joined)]
    return found


def _chosen(
    linked: set[int],
    sides: Sequence[Side],
    of_group: Tensor,
    scores: Sequence[Tensor],
    counts: Sequence[int],
) -> Tensor | None:
    """Return the channels of linked groups that go, a bool over the channels of all groups.

    None where the solver gave up before it found any choice.

    Maximises the sum of 2 - rank over the channels that go, rank from 0 (weakest of its group) to
    1: one more channel is always worth it, and a weaker one rather than a stronger.
    """
    n = len(of_group)
    worth = np.zeros(n)
    most = np.zeros(n)
    rows: list[tuple[list[int], int, float, float]] = []
    for number in sorted(linked):
        channels = (of_group == number).nonzero().flatten()
        order = torch.argsort(scores[number].cpu(), stable=True)
        worth[channels[order].numpy()] = 2 - np.arange(len(order)) / len(order)
        most[channels.numpy()] = counts[number] > 0
        rows.append((channels.tolist(), -1, 0, counts[number]))
    limits = []
    for number, side in enumerate(sides):
        # A column per side: how many each of its groups loses.
        sizes = torch.bincount(side.runs, minlength=side.n_runs)
        limits.append(int(sizes.min()) - 1)
        rows += [
            (side.channels[side.runs == run].tolist(), n + number, 0, 0)
            for run in range(side.n_runs)
        ]
    matrix, low, high = _constraints(rows, n + len(sides))
    result = milp(
        c=-np.concatenate([worth, np.zeros(len(sides))]),
        integrality=1,
        bounds=Bounds(0, np.concatenate([most, limits])),
        constraints=LinearConstraint(matrix, low, high),
        # A copy: scipy takes out what it knows.
        options=dict(_SOLVER),
    )
    if result.x is None:
        return None
    return torch.from_numpy(result.x[:n] > 0.5)


def _unchosen(groups: Sequence[ChannelGroup], linked: set[int]) -> str:
    names = dict.fromkeys(m.name for number in sorted(linked) for m in groups[number].writers)
    return (
        f"no filter of {', '.join(names)} is pruned: within {_SOLVER['node_limit']} branches no "
        "choice was found that leaves the groups of their grouped convolutions equal: ask for "
        "another sparsity of these layers"
    )


def _constraints(
    rows: Sequence[tuple[list[int], int, float, float]], width: int
) -> tuple[csr_array, list[float], list[float]]:
    """Return matrix and bounds of rows: channels counted, less a column (-1: none), low, high."""
    values: list[float] = []
    across: list[int] = []
    down: list[int] = []
    for number, (channels, less, _, _) in enumerate(rows):
        entries = [(channel, 1.0) for channel in channels]
        if less >= 0:
            entries.append((less, -1.0))
        for column, value in entries:
            values.append(value)
            across.append(column)
            down.append(number)
    matrix = csr_array((values, (down, across)), shape=(len(rows), width))
    return matrix, [low for _, _, low, _ in rows], [high for _, _, _, high in rows]
