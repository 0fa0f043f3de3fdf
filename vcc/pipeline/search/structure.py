"""Builds candidates from the dense network: decomposed, weakest filters removed, untrained."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

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
from vcc.pipeline.search.groups import decomposable, layer_groups, stage_layers
from vcc.pipeline.search.knobs.clips import Clips, with_clip
from vcc.pipeline.search.knobs.stem_time import stem_time
from vcc.pipeline.search.space import ALL_TAPS, MIXED, SearchCandidate, Space

# Decomposing a large network takes as long as a few training steps; each kept one has its weights.
_KEPT = 4


class CandidateBuilder:
    """Builds candidates of one dense network, which stays as it is.

    Args:
        dense: the trained network, on the CPU.
        precisions: of `INT8`, `FLOAT` and `MIXED`, those that the runtime has.
        clips: to try, see `clip_choices`.

    Raises:
        ScheduleError: its channels cannot be traced.
    """

    def __init__(
        self, dense: Network, *, precisions: tuple[str, ...], clips: Clips | None = None
    ) -> None:
        self.dense = dense
        self._example = torch.zeros(2, *dense.card.clip_shape)
        self._kept: OrderedDict[tuple[Any, ...], _Decomposed] = OrderedDict()
        self._undecomposed = _Decomposed(
            dense.model, trace_channels(dense.model, self._example), frozenset()
        )
        groups = layer_groups(dense.model, self._undecomposed.channels)
        stages = stage_layers(dense.model, groups)
        self.space = Space(
            groups=groups,
            units=decomposable(dense.model),
            precisions=tuple(name for name in precisions if stages or name != MIXED),
            stages=stages,
            stem_time=stem_time(dense.model),
            clips=clips or {},
        )

    def build(self, candidate: SearchCandidate) -> Network:
        """Return a candidate's network in float, with the dense network's weights where it can."""
        base = self._decomposed(candidate)
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
        network = Network(model=model.eval(), card=self.dense.card)
        return with_clip(network, self.space.clips[candidate.clip]) if candidate.clip else network

    def _decomposed(self, candidate: SearchCandidate) -> _Decomposed:
        taps, ranks = candidate.taps or ALL_TAPS, candidate.ranks
        key = (taps, *sorted(ranks.items()))
        if not taps and min(ranks.values(), default=1.0) == 1.0:
            return self._undecomposed
        if key not in self._kept:
            self._kept[key] = self._decompose(ranks, taps)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _decompose(self, ranks: Mapping[str, float], taps: int) -> _Decomposed:
        model = copy.deepcopy(self.dense.model)
        if taps and self.space.stem_time is not None:
            self.space.stem_time.shorten_(model, taps, self._example)
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
    """The dense network with some layers decomposed or cut in time, and its channels."""

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
