"""Figures of an epoch: sparsity of the whole and of each layer, and how many policies acted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vcc.compression.engine.builder import file_config
from vcc.compression.engine.epoch_figures import EpochFigures, sparsity_figures


def network() -> nn.Sequential:
    """Return 4 + 6 weights, of which 2 of the first and 3 of the second are zero."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 3, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
        model[1].weight.copy_(torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]))
    return model


def test_shares_are_counted_by_weight_and_by_layer() -> None:
    figures = sparsity_figures(network())
    assert figures["sparsity"] == pytest.approx(5 / 10)
    assert figures["layer_sparsity.0"] == pytest.approx(2 / 4)
    assert figures["layer_sparsity.1"] == pytest.approx(3 / 6)
    assert set(figures) == {
        "sparsity",
        "filter_sparsity",
        "layer_sparsity.0",
        "layer_sparsity.1",
    }


@pytest.mark.parametrize(("current", "active"), [(0, 1.0), (1, 0.0)])
def test_epochs_are_absolute_and_rank_0_alone_records(current: int, active: float) -> None:
    schedule = {
        "pruners": {"p": {"class": "SensitivityPruner", "sensitivities": {"0.weight": 1}}},
        "policies": [{"pruner": {"instance_name": "p"}, "epochs": [4]}],
    }
    scheduler = file_config(network(), None, schedule)
    recorded: list[Any] = []
    callback = EpochFigures(scheduler, first_epoch=4, record=lambda *given: recorded.append(given))
    for first in (False, True):
        trainer: Any = SimpleNamespace(is_global_zero=first, current_epoch=current)
        callback.on_train_epoch_end(trainer, None)
    ((epoch, figures),) = recorded
    assert epoch == 4 + current
    assert figures["active_policies"] == active
    assert figures["sparsity"] == pytest.approx(0.5)
