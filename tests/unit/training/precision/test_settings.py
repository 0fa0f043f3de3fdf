"""A plan of formats, applied to a network and taken back."""

from __future__ import annotations

import copy

import pytest
import torch
from precision_toys import BF16, BF16_LAST, Faulty, batch, with_a_fault
from torch import nn

from vcc.training.precision.settings import PrecisionPlan


def test_a_plan_is_taken_back_and_a_copy_computes_with_its_own_weights() -> None:
    network, (clips, _) = with_a_fault(), batch()
    names, kinds = list(network.state_dict()), [type(each) for each in network.modules()]
    with PrecisionPlan(BF16_LAST, ("0", "8")).applied(network):
        assert list(network.state_dict()) == names
        assert network[3].weight.is_contiguous(memory_format=torch.channels_last_3d)
        with BF16.autocast("cpu"):
            assert network[0](clips).dtype == torch.float32
            assert network[3](clips.new_zeros(1, 8, 4, 8, 8)).dtype == torch.bfloat16
            twin = copy.deepcopy(network)
            nn.init.zeros_(network[8].weight)
            nn.init.zeros_(network[8].bias)
            assert network(clips).abs().max() == 0
            assert twin(clips).abs().max() > 0
    assert [type(each) for each in network.modules()] == kinds
    assert network[3].weight.is_contiguous()


def test_a_plan_is_taken_back_after_an_error() -> None:
    network = with_a_fault()
    with pytest.raises(RuntimeError, match="stop"), PrecisionPlan(BF16, ("3",)).applied(network):
        raise RuntimeError("stop")  # noqa: EM101
    assert type(network[3]) is Faulty
