"""What several filters own together is masked where all of them are."""

from __future__ import annotations

import pytest
import torch
from networks.blocks import Network, of_blocks
from torch import Tensor

from vcc.compression.channels.joint import joint_masks
from vcc.compression.channels.trace import trace_channels


def masked(network: Network, filters: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return the entries that are masked of each parameter, from masked filters by layer."""
    clip = torch.zeros(1, 3, 2, 8, 8, dtype=torch.float64)
    marked: dict[str, Tensor] = {}
    for name, numbers in filters.items():
        marked[name] = torch.zeros(len(network.get_submodule(name).weight), dtype=torch.bool)
        marked[name][numbers] = True
    found = joint_masks(trace_channels(network, clip), marked)
    return {name: (~mask).nonzero().flatten().tolist() for name, mask in found.items()}


STREAM = ("stem", "blocks.0.c2", "blocks.1.c2")


def test_a_batchnorm_on_a_sum_goes_with_all_that_is_added() -> None:
    network = of_blocks("pre-activation")
    assert masked(network, {name: [3] for name in STREAM}) == {
        f"{norm}.{vector}": [3]
        for norm in ("blocks.0.n1", "blocks.1.n1", "norm")
        for vector in ("weight", "bias")
    }


def test_and_not_with_some_of_it() -> None:
    found = masked(of_blocks("pre-activation"), {name: [3] for name in STREAM[:2]})
    # The first reads the stem alone, the second both; the last has the third layer as well.
    assert {name for name in found if name.endswith("weight")} == {
        "blocks.0.n1.weight",
        "blocks.1.n1.weight",
    }


def test_behind_a_concatenation_numbers_are_its_own() -> None:
    found = masked(of_blocks("DenseNet"), {"blocks.0.c2": [1]})
    assert found["blocks.1.n1.weight"] == [9]
    assert found["norm.bias"] == [9]
    assert "blocks.0.n1.weight" not in found


def test_nothing_is_said_where_nothing_is_masked() -> None:
    assert masked(of_blocks("shared"), {}) == {}


@pytest.mark.parametrize("name", ["ConvNeXt", "GroupNorm"])
def test_norms_and_depthwise_biases(name: str) -> None:
    network = of_blocks(name)
    inner = "blocks.0.depthwise" if name == "ConvNeXt" else "blocks.0.c1"
    norm = "blocks.0.norm" if name == "ConvNeXt" else "blocks.0.n1"
    assert masked(network, {inner: [2]})[f"{norm}.weight"] == [2]
