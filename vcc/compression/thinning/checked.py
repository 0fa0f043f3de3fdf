"""Cuts that were tried on a copy: what would change the network's outputs stays whole.

What a channel graph says of a network is an inference. Here it is run: the cut copy must compute
what the masked network does. Where it does not, the groups of channels that are to blame are found
by halving, and stay.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from vcc.compression.channels.group_state import GroupState
from vcc.compression.channels.unchanged import Computed
from vcc.compression.masks.apply import mask_parameters_
from vcc.compression.thinning.slicing import LayerCut, apply_cuts_
from vcc.errors import one_line

log = logging.getLogger(__name__)

Masks = Mapping[str, Tensor | None]
# Returns the cuts of a network for what can go of its groups of channels.
Cuts = Callable[[Sequence[GroupState]], Mapping[str, LayerCut]]

# Trials of one search; a network of a hundred groups with five to blame takes about fifty.
_MOST_TRIALS = 64


def harmless(
    model: nn.Module, masks: Masks, example_input: Tensor, states: Sequence[GroupState], cuts: Cuts
) -> list[GroupState]:
    """Return `states` with an obstacle for every group that may not go.

    Args:
        model: the network; it stays as it is.
        masks: parameter name to its mask, 1 = keep.
        example_input: a batch that it accepts.
        states: what can go of each group.
        cuts: returns what to cut for states; what it does not remove by them it always does.
    """
    search = _Search(model, masks, example_input, states, cuts)
    wanted = [number for number, state in enumerate(states) if state.removable.any()]
    if not search.differs(wanted):
        return list(states)
    accepted = search.largest(wanted)
    return [
        state
        if number in accepted or number not in wanted
        else _left_whole(state, search.words.get(number, "not all of them could be tried"))
        for number, state in enumerate(states)
    ]


class _Search:
    """Tries sets of groups on copies of a network, in double precision where that runs."""

    def __init__(
        self,
        model: nn.Module,
        masks: Masks,
        example_input: Tensor,
        states: Sequence[GroupState],
        cuts: Cuts,
    ) -> None:
        self.states, self.cuts = states, cuts
        self.words: dict[int, str] = {}
        self.trials = 0
        try:
            clip = example_input.double() if example_input.is_floating_point() else example_input
            self.model = _masked_copy(model, masks).double()
            self.before = Computed(self.model, clip)
        except RuntimeError:  # a network with a type written into it
            self.model = _masked_copy(model, masks)
            self.before = Computed(self.model, example_input)

    def differs(self, numbers: Sequence[int]) -> str:
        """Return how the outputs differ when only these groups go, "" where they do not."""
        self.trials += 1
        chosen = set(numbers)
        states = [
            state if n in chosen else replace(state, removable=torch.zeros_like(state.removable))
            for n, state in enumerate(self.states)
        ]
        thinned = copy.deepcopy(self.model)
        try:
            apply_cuts_(thinned, self.cuts(states))
        except Exception as error:  # noqa: BLE001 - a layer that cannot be cut so
            return f"it cannot be cut: {one_line(error, at_most=200)}"
        return self.before.differs(thinned)

    def largest(self, wanted: Sequence[int], accepted: Sequence[int] = ()) -> list[int]:
        """Return `accepted` and all of `wanted` that can go beside it."""
        if not wanted or self.trials >= _MOST_TRIALS:
            return list(accepted)
        words = self.differs([*accepted, *wanted])
        if not words:
            return [*accepted, *wanted]
        if len(wanted) == 1:
            self.words[wanted[0]] = words
            return list(accepted)
        middle = len(wanted) // 2
        first = self.largest(wanted[:middle], accepted)
        return self.largest(wanted[middle:], first)


def _masked_copy(model: nn.Module, masks: Masks) -> nn.Module:
    """Return a masked copy without what only watches the original: statistics of its channels."""
    masked = copy.deepcopy(model)
    for module in masked.modules():
        for hooks in (module._forward_hooks, module._forward_pre_hooks):
            hooks.clear()
    mask_parameters_(masked, masks)
    return masked


def _left_whole(state: GroupState, words: str) -> GroupState:
    names = ", ".join(dict.fromkeys(member.name for member in state.group.writers))
    log.warning("the channels of %s stay: without the masked ones, %s", names, words)
    group = replace(state.group, obstacle=f"the network computes something else without ({words})")
    return replace(state, group=group, removable=torch.zeros_like(state.removable))
