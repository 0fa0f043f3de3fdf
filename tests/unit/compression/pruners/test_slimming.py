"""Network slimming: channels of all layers ranked together, within what one layer may lose."""

from __future__ import annotations

import pytest
import torch
from toy_training import TinyNet, tiny_net

from vcc.compression import file_config


def scaled(first: list[float], second: list[float]) -> TinyNet:
    """Return the network with given BatchNorm scales: of 4 and of 6 channels."""
    model = tiny_net()
    with torch.no_grad():
        model.bn1.weight.copy_(torch.tensor(first))
        model.bn2.weight.copy_(torch.tensor(second))
    return model


def kept(model: TinyNet, **args: float) -> tuple[list[int], list[int]]:
    """Return the channels that both layers keep."""
    schedule = {
        "pruners": {
            "slim": {"class": "NetworkSlimmingPruner", "weights": ["re:bn\\d.weight"], **args}
        },
        "policies": [{"pruner": {"instance_name": "slim"}, "epochs": [0]}],
    }
    scheduler = file_config(model, None, schedule, example_input=torch.zeros(2, 2, 3, 5, 5))
    scheduler.on_epoch_begin(0)
    masks = scheduler.masks
    found = []
    for name in ("bn1.weight", "bn2.weight"):
        mask = masks[name]
        found.append(list(range(10)) if mask is None else mask.nonzero().flatten().tolist())
    return found[0], found[1]


def test_the_smallest_scales_of_all_layers_go() -> None:
    model = scaled([0.9, -0.1, 0.8, 0.7], [0.2, 0.3, 1.0, 0.05, -1.0, 0.6])

    assert kept(model, desired_sparsity=0.4) == ([0, 2, 3], [2, 4, 5])


def test_a_layer_that_drifted_as_a_whole_keeps_one_channel() -> None:
    model = scaled([1.0, 1.0, 1.0, 1.0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])

    # the sixth channel to go is another layer's: the count is exact all the same
    assert kept(model, desired_sparsity=0.6) == ([1, 2, 3], [5])


def test_it_keeps_more_where_the_schedule_says_so() -> None:
    model = scaled([1.0, 1.1, 1.2, 1.3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])

    assert kept(model, desired_sparsity=0.5, most_per_layer=0.5) == ([2, 3], [3, 4, 5])
    assert kept(model, desired_sparsity=0.9, most_per_layer=0.5) == ([2, 3], [3, 4, 5])


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_share_of_less_than_a_channel_prunes_nothing(share: float) -> None:
    model = scaled([1.0] * 4, [1.0] * 6)

    assert kept(model, desired_sparsity=share)[0] == list(range(10))
