"""Averaged weights, in reach of other callbacks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import lightning
import pytest
import torch

from vcc.training.averaging import AveragedWeights, averaged_or_own


def begun(decay: float = 0.5) -> tuple[AveragedWeights, lightning.LightningModule]:
    """Return an average that has begun, and its module."""
    module = lightning.LightningModule()
    module.register_parameter("weight", torch.nn.Parameter(torch.zeros(1)))
    averaged = AveragedWeights(decay=decay)
    averaged.setup(SimpleNamespace(), module, "fit")  # type: ignore[arg-type]
    return averaged, module


def test_there_are_none_before_training() -> None:
    with pytest.raises(RuntimeError, match="before training begins"):
        AveragedWeights(decay=0.5).averaged()


def test_the_average_is_a_copy_of_its_own() -> None:
    averaged, module = begun()
    copy: Any = averaged.averaged()
    assert copy is not module
    with torch.no_grad():
        module.weight.fill_(8.0)
    assert copy.weight.item() == 0.0


def test_what_was_validated_is_the_average_where_there_is_one() -> None:
    averaged, module = begun()
    with_average: Any = SimpleNamespace(callbacks=[lightning.Callback(), averaged])
    assert averaged_or_own(with_average, module) is averaged.averaged()
    without: Any = SimpleNamespace(callbacks=[lightning.Callback()])
    assert averaged_or_own(without, module) is module
    bare: Any = SimpleNamespace()
    assert averaged_or_own(bare, module) is module
