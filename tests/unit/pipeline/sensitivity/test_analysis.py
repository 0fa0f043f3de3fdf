"""Which layers are pruned alone, to which levels; the network is left as it was, on the CPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vcc.compression.sensitivity.measured import EvalResult
from vcc.config.entrypoints import SensitivityEntry
from vcc.errors import ConfigError
from vcc.pipeline.card import Network
from vcc.pipeline.sensitivity.analysis import analyse_layers, levels_of


def test_levels_begin_where_they_are_asked_to_and_stay_below_the_end() -> None:
    options = SensitivityEntry(level_start=0.0, level_stop=0.9, level_step=0.45)
    assert levels_of(options) == pytest.approx((0.0, 0.45))
    with pytest.raises(ConfigError, match="level_stop: 0.2 leaves no level from 0.5 on"):
        levels_of(SensitivityEntry(level_start=0.5, level_stop=0.2))


class Measure:
    """Counts the weights of each layer that are there, and says the share of it."""

    n_videos = 3

    def __init__(self) -> None:
        self.pruned: list[set[str]] = []

    def __call__(self, model: nn.Module) -> EvalResult:
        zeros = {
            name
            for name, parameter in model.named_parameters()
            if parameter.dim() > 1 and bool((parameter == 0).any())
        }
        self.pruned.append(zeros)
        return EvalResult(0.5, 1.0, float(len(zeros)))


@pytest.mark.parametrize("group", ["element", "filter"])
def test_each_layer_is_pruned_alone(network: Network, group: str) -> None:
    measure: Any = Measure()
    before = {name: tensor.clone() for name, tensor in network.model.state_dict().items()}
    options = SensitivityEntry(group=group, level_start=0.5, level_stop=0.9, level_step=0.5)
    analyse_layers(network, measure, options)
    assert all(len(zeros) <= 1 for zeros in measure.pruned)
    tried = set().union(*measure.pruned)
    assert "conv1.weight" in tried
    # A filter of the last layer is a class.
    assert ("fc.weight" in tried) == (group == "element")
    for name, tensor in network.model.state_dict().items():
        assert torch.equal(tensor, before[name])
