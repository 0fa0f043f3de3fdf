"""Thinning: removing masked channels from a network for good, without changing what it computes.

A channel leaves only where everything that it is coupled with is masked; the report says what
stayed and why. Torch-Pruning's dependency graph finds the coupled channels; all groups are found
on the whole network and every layer is cut once, since cutting group by group invalidates what
the graph recorded for the next. Kernels lose the ends in time that every filter has masked.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vcc.compression.channels.group_state import GroupState, find_group_state
from vcc.compression.channels.grouped import equalised
from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.trace import ChannelGroup, is_channel_maker, width
from vcc.compression.channels.trace_cache import TracedChannels
from vcc.compression.channels.zeros import zeros_read
from vcc.compression.thinning.checked import harmless
from vcc.compression.thinning.report import ThinningReport, ThinningRow
from vcc.compression.thinning.slicing import LayerCut, apply_cuts_
from vcc.compression.thinning.temporal_slices import slices_that_stay
from vcc.errors import ScheduleError, nearest
from vcc.models.layers import ChannelPart

logger = logging.getLogger(__name__)

Masks = Mapping[str, Tensor | None]


def thin_(
    model: nn.Module,
    masks: Masks,
    example_input: Tensor,
    *,
    optimizer: Optimizer | None = None,
    round_to: int = 1,
    channels: TracedChannels | None = None,
) -> ThinningReport:
    """Remove, in place, channels whose whole group is masked, and kernels' masked ends in time.

    The thinned network computes what the masked one does: a channel goes only where the bias and
    BatchNorm entries of its masked filters are zero as well (`coupled_parameters`). That is tried
    on a random clip first; what would change an output stays, and the report says so.

    Args:
        model: the network. Changed parameters become new objects; whoever holds the old ones
            (an average of weights, say) is told by `ThinningReport.kept`.
        masks: parameter name to its mask, 1 = keep, in the parameter's shape or one that
            broadcasts to it; None where there is no mask. A filter is masked where all of its
            weights are.
        example_input: a batch that the network accepts.
        optimizer: its parameter groups and its state are carried over.
        round_to: channel counts that layers are left with are multiples of this where they were
            before; masked channels stay to fill up.
        channels: the network's, if they are traced already; None traces them here. They are those
            of the network before: whoever owns them lets them forget.

    Raises:
        ScheduleError: a mask for no parameter or of another shape; a layer that would have no
            channel left. The network is then as it was.
    """
    if round_to < 1:
        msg = f"round_to: {round_to} is out of range: it must be at least 1"
        raise ScheduleError(msg)
    filters = masked_filters(model, masks)
    slices = slices_that_stay(model, masks)
    obstacle = ""
    try:
        channels = channels or TracedChannels.of(model, example_input)
        groups = channels.groups()
        zeros = zeros_read(model, filters, example_input)
        states = [find_group_state(group, filters, zeros) for group in groups]
    except UntraceableError as error:
        states, obstacle = [], str(error)
        logger.warning("the network stays whole: %s", obstacle)
    _refuse_empty(states, _removed(states, round_to))

    def cuts_of(tried: Sequence[GroupState]) -> dict[str, LayerCut]:
        return _cuts(tried, _removed(tried, round_to), slices)

    if cuts_of(states):
        states = harmless(model, masks, example_input, states, cuts_of)
    removed = _removed(states, round_to)
    cuts = _cuts(states, removed, slices)
    rows = _rows(model, states, removed, filters)
    kernels = {
        name: (int(model.get_parameter(f"{name}.weight").shape[2]), len(stay))
        for name, stay in slices.items()
    }
    report = ThinningReport(rows, apply_cuts_(model, cuts, optimizer), kernels, obstacle)
    logger.debug("thinning removed %d channels in %d layers", report.removed, len(cuts))
    return report


def masked_filters(model: nn.Module, masks: Masks) -> dict[str, Tensor]:
    """Return layer name to which of its filters are masked whole, bool [filters].

    Raises:
        ScheduleError: a mask for no parameter, or one that does not fit it.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    filters: dict[str, Tensor] = {}
    for name, mask in masks.items():
        if name not in parameters:
            msg = f"mask {name!r} is for no parameter of the network: {nearest(name, parameters)}"
            raise ScheduleError(msg)
        layer, _, attribute = name.rpartition(".")
        if (
            mask is None
            or attribute != "weight"
            or not is_channel_maker(model.get_submodule(layer))
        ):
            continue
        shape = parameters[name].shape
        try:
            kept = mask.detach().cpu().expand(shape)
        except RuntimeError as error:
            msg = f"mask {name!r} has shape {tuple(mask.shape)}, which does not fit {tuple(shape)}"
            raise ScheduleError(msg) from error
        filters[layer] = ~kept.reshape(shape[0], -1).bool().any(dim=1)
    return filters


def _removed(states: Sequence[GroupState], round_to: int) -> list[Tensor]:
    """Return which removable channels go: numbers are round, groups equal, no part empty."""
    groups = [state.group for state in states]
    removed = [state.removable for state in states]
    while True:
        fewer = equalised(groups, [_rounded(dead, round_to) for dead in removed])
        fewer = _parts_filled(groups, fewer)
        if all(torch.equal(*pair) for pair in zip(fewer, removed, strict=True)):
            return fewer
        removed = fewer


def _parts_filled(groups: Sequence[ChannelGroup], removed: Sequence[Tensor]) -> list[Tensor]:
    """Return `removed` less one channel of every part of a split that would lose all of its own."""
    filled = [dead.clone() for dead in removed]
    left: Counter[str] = Counter()
    last: dict[str, tuple[int, int]] = {}
    for number, group in enumerate(groups):
        for member in group.writers:
            if isinstance(member.module, ChannelPart):
                positions = group.positions(member)
                left[member.name] += int((~removed[number][positions]).sum())
                last[member.name] = (number, int(positions[-1]))
    for name, (number, position) in last.items():
        if left[name] == 0:
            filled[number][position] = False
    return filled


def _rounded(removable: Tensor, round_to: int) -> Tensor:
    """Return `removable` without as many of the first as it takes to leave a round number."""
    total, going = len(removable), int(removable.sum())
    left = min(total, -(-(total - going) // round_to) * round_to)
    rounded = removable.clone()
    rounded[removable.nonzero().flatten()[: left - (total - going)]] = False
    return rounded


def _refuse_empty(states: Sequence[GroupState], removed: Sequence[Tensor]) -> None:
    left: Counter[str] = Counter()
    for state, gone in zip(states, removed, strict=True):
        for member in state.group.writers:
            left[member.name] += int((~gone[state.group.positions(member)]).sum())
    for name, count in left.items():
        if count == 0:
            msg = (
                f"{name}: every channel is masked, so thinning would leave the layer empty: "
                f"lower its sparsity"
            )
            raise ScheduleError(msg)


def _cuts(
    states: Sequence[GroupState], removed: Sequence[Tensor], slices: Mapping[str, Tensor]
) -> dict[str, LayerCut]:
    """Return layer name to what stays of it, for the layers that lose something."""
    gone: dict[tuple[str, bool], list[Tensor]] = {}
    widths: dict[tuple[str, bool], int] = {}
    for state, dead in zip(states, removed, strict=True):
        for member in state.group.members:
            side = (member.name, member.reads)
            gone.setdefault(side, []).append(member.indices[dead[state.group.positions(member)]])
            if bool(dead.any()):
                widths[side] = width(member.module, reads=member.reads)
    kept: dict[tuple[str, bool], Tensor] = {}
    for side, pieces in gone.items():
        lost = torch.cat(pieces)
        if len(lost):
            stays = torch.ones(widths[side], dtype=torch.bool)
            stays[lost] = False
            kept[side] = stays.nonzero().flatten()
    names = dict.fromkeys([*(name for name, _ in kept), *slices])
    cuts = {
        name: LayerCut(kept.get((name, False)), kept.get((name, True)), slices.get(name))
        for name in names
    }
    return cuts | _parameter_cuts(states, removed)


def _parameter_cuts(states: Sequence[GroupState], removed: Sequence[Tensor]) -> dict[str, LayerCut]:
    """Return the cuts of parameters that are of no layer, by name."""
    stays: dict[str, tuple[int, Tensor]] = {}
    for state, dead in zip(states, removed, strict=True):
        for share in state.group.shares:
            lost = share.indices[dead[state.group.positions(share)]]
            if len(lost):
                whole = torch.ones(share.size, dtype=torch.bool)
                stays.setdefault(share.name, (share.dim, whole))[1][lost] = False
    return {
        name: LayerCut(outputs=kept.nonzero().flatten(), along=dim)
        for name, (dim, kept) in stays.items()
    }


def _rows(
    model: nn.Module,
    states: Sequence[GroupState],
    removed: Sequence[Tensor],
    filters: Mapping[str, Tensor],
) -> tuple[ThinningRow, ...]:
    masked: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    why: dict[str, Counter[str]] = {}
    groups = [state.group for state in states]
    evened = equalised(groups, [state.removable for state in states])
    filled = _parts_filled(groups, evened)
    for state, dead, equal, full in zip(states, removed, evened, filled, strict=True):
        for name, own in state.masked.items():
            member = next(m for m in state.group.writers if m.name == name)
            has = torch.zeros_like(dead)
            has[state.group.positions(member)] = True
            masked[name] += int((state.removable & has).sum())
            gone[name] += int((dead & has).sum())
            reasons = why.setdefault(name, Counter())
            reasons.update(state.reasons(own & has))
            unequal = state.removable & ~equal
            reasons.update(
                {
                    "kept so that grouped convolutions stay equal": int(
                        (own & has & unequal).sum()
                    ),
                    "kept so that no part of a split is empty": int(
                        (own & has & equal & ~full).sum()
                    ),
                    "kept by round_to": int((own & has & full & ~dead).sum()),
                }
            )
    rows = []
    for name, module in model.named_modules():
        if name in masked and not _is_output(name, states):
            asked = int(filters[name].sum()) if name in filters else 0
            reasons = why[name]
            rows.append(
                ThinningRow(
                    layer=name,
                    channels=width(module),
                    asked=asked,
                    masked=masked[name],
                    removed=gone[name],
                    left=sum(reasons.values()),
                    why="; ".join(f"{n} {reason}" for reason, n in reasons.items() if n),
                )
            )
    return tuple(rows)


def _is_output(name: str, states: Sequence[GroupState]) -> bool:
    return any(state.group.is_output and name in state.masked for state in states)
