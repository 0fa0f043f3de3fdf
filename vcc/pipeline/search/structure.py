"""Builds candidates from the dense network: decomposed, weakest filters removed, untrained."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace import ChannelGroup, trace_channels
from vcc.compression.channels.trace_cache import TracedChannels, groups_of_copy
from vcc.compression.decomposition.decompose import Decomposer, decompose_
from vcc.compression.decomposition.ranks import RankRule
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.models.decomposed import SPATIAL_TEMPORAL, Decomposed
from vcc.pipeline.card import Network
from vcc.pipeline.search.groups import decomposable, layer_groups
from vcc.pipeline.search.space import SearchCandidate, Space

# Decomposing a large network takes as long as a few training steps; each kept one has its weights.
_KEPT = 4


class CandidateBuilder:
    """Builds candidates of one dense network, which stays as it is.

    Args:
        dense: the trained network, on the CPU.
        precisions: of `INT8` and `FLOAT`, those that the runtime has.

    Raises:
        ScheduleError: its channels cannot be traced.
    """

    def __init__(self, dense: Network, *, precisions: tuple[str, ...]) -> None:
        self.dense = dense
        self._example = torch.zeros(2, *dense.card.clip_shape)
        self._kept: OrderedDict[tuple[float, ...], _Decomposed] = OrderedDict()
        self._undecomposed = _Decomposed(
            dense.model, trace_channels(dense.model, self._example), frozenset()
        )
        self.space = Space(
            groups=layer_groups(dense.model, self._undecomposed.channels),
            units=decomposable(dense.model),
            precisions=precisions,
        )

    def build(self, candidate: SearchCandidate) -> Network:
        """Return a candidate's network in float, with the dense network's weights where it can."""
        base = self._decomposed(candidate.ranks)
        model = copy.deepcopy(base.model)
        channels = groups_of_copy(base.channels, model)
        share = {
            base.name(weight): candidate.filters[group.name]
            for group in self.space.groups
            for weight in group.weights
        }
        masks = group_masks(
            channels, lambda names: max((share.get(name, 0.0) for name in names), default=0.0)
        )
        zero_filters_(model, masks, channels)
        thin_(model, masks, self._example, channels=TracedChannels(lambda: channels))
        return Network(model=model.eval(), card=self.dense.card)

    def _decomposed(self, ranks: Mapping[str, float]) -> _Decomposed:
        key = tuple(ranks.values())
        if min(key, default=1.0) == 1.0:
            return self._undecomposed
        if key not in self._kept:
            self._kept[key] = self._decompose(ranks)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _decompose(self, ranks: Mapping[str, float]) -> _Decomposed:
        model = copy.deepcopy(self.dense.model)
        for unit, share in ranks.items():
            if share < 1:
                rule = RankRule(share=share)
                wanted = Decomposer(
                    weights=self.space.units[unit], form=SPATIAL_TEMPORAL, rule=rule
                )
                decompose_(model, wanted, self._example)
        made = {name for name, part in model.named_modules() if isinstance(part, Decomposed)}
        return _Decomposed(model, trace_channels(model, self._example), frozenset(made))


class _Decomposed:
    """The dense network with some layers decomposed, and its channels."""

    def __init__(
        self, model: nn.Module, channels: Sequence[ChannelGroup], layers: frozenset[str]
    ) -> None:
        self.model, self.channels, self._layers = model, channels, layers

    def name(self, weight: str) -> str:
        """Return what the weight with a layer's filters is called here."""
        return renamed(weight, self._layers)


def renamed(weight: str, decomposed: frozenset[str]) -> str:
    """Return what the weight with a layer's filters is called once layers are decomposed.

    Args:
        weight: such as "conv1.weight".
        decomposed: names of the layers that became a spatial and a temporal one.
    """
    layer = weight.removesuffix(".weight")
    return f"{layer}.1.weight" if layer in decomposed else weight
