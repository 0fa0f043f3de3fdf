"""Between filters, by weight and number, and the coupled channels that they write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import torch
from torch import Tensor

from vcc.compression.channels.trace import ChannelGroup, Member, is_channel_maker
from vcc.compression.channels.weakest import weakest_channels
from vcc.compression.masks.selection import keep_highest_of_all


def filter_members(group: ChannelGroup) -> tuple[Member, ...]:
    """Return the layers whose filters a group's channels are; none of the classifier's.

    Those are convolutions and hidden linear layers.
    """
    if group.is_output:
        return ()
    return tuple(member for member in group.writers if is_channel_maker(member.module))


def first_scored(group: ChannelGroup, scores: Collection[str]) -> str:
    """Return the first weight of a group that is in `scores`, or ""."""
    names = (f"{member.name}.weight" for member in filter_members(group))
    return next((name for name in names if name in scores), "")


def group_scores(group: ChannelGroup, scores: Mapping[str, Tensor]) -> Tensor:
    """Return the score of each of a group's channels, [n] on the CPU.

    The mean over the layers that have the channel; 0 where none of them has scores.

    Args:
        group: of `trace_channels`.
        scores: weight to the scores of its filters, [filters].
    """
    total = torch.zeros(len(group.roots), dtype=torch.float64)
    count = torch.zeros_like(total)
    for member in filter_members(group):
        found = scores.get(f"{member.name}.weight")
        if found is not None:
            positions = group.positions(member)
            total[positions] += found.detach().cpu().double()[member.indices]
            count[positions] += 1
    return total / count.clamp_min(1)


def filters_kept(
    groups: Sequence[ChannelGroup], dead: Sequence[Tensor], names: Collection[str]
) -> dict[str, Tensor]:
    """Return which filters stay, a bool [filters] by weight.

    Args:
        groups: of `trace_channels`.
        dead: which of each group's channels go, a bool [n].
        names: weights wanted.
    """
    kept: dict[str, Tensor] = {}
    for group, gone in zip(groups, dead, strict=True):
        for member in filter_members(group):
            name = f"{member.name}.weight"
            if name in names:
                filters = len(member.module.get_parameter("weight"))
                keep = kept.setdefault(name, torch.ones(filters, dtype=torch.bool))
                keep[member.indices[gone[group.positions(member)]]] = False
    return kept


def weakest_of_all(
    groups: Sequence[ChannelGroup],
    scores: Mapping[str, Tensor],
    fraction: float,
    *,
    most_per_layer: float = 1.0,
    rounding: str = "floor",
    adapt: Callable[[Tensor], Tensor] | None = None,
) -> list[Tensor]:
    """Return which of each group's channels go, a bool [n], ranked together with all others.

    Args:
        groups: of `trace_channels`; channels of layers without scores stay.
        scores: weight to the scores of its filters, [filters].
        fraction: share of the channels with scores to take; fewer where `most_per_layer` leaves no
            more, or where grouped convolutions would not stay equal.
        most_per_layer: largest share of one group's channels to take; one always stays.
        rounding: how a share becomes a count.
        adapt: turns a group's scores into those that are ranked.
    """
    worth = [group_scores(group, scores) for group in groups]
    if adapt is not None:
        worth = [adapt(found) for found in worth]
    listed = [bool(first_scored(group, scores)) for group in groups]
    keeps = iter(
        keep_highest_of_all(
            [found for found, wanted in zip(worth, listed, strict=True) if wanted],
            fraction,
            most_per_layer=most_per_layer,
            rounding=rounding,
        )
    )
    counts = [int((~next(keeps)).sum()) if wanted else 0 for wanted in listed]
    return weakest_channels(groups, worth, counts)
