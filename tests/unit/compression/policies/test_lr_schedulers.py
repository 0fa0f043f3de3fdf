"""Learning rates by absolute epoch, against their formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from vcc.compression.policies.lr_schedulers import (
    LR_SCHEDULERS,
    rebind,
    restore_settings,
    ruled_settings,
    set_rates,
    step_to,
)


def optimizer(*rates: float, momentum: float = 0.0) -> SGD:
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], "lr": rate} for rate in rates]
    return SGD(groups, momentum=momentum)


def make_lr_scheduler(name: str, arguments: dict[str, Any], made: SGD) -> LRScheduler:
    return LR_SCHEDULERS.get(name)(**arguments).make(made)


def rates_of(made: SGD) -> list[float]:
    return [float(group["lr"]) for group in made.param_groups]


@pytest.mark.parametrize(("epoch", "rate"), [(0, 1.0), (5, 0.25), (10, 0.0), (12, 0.0)])
def test_distillers_polynomial_ends_at_zero(epoch: int, rate: float) -> None:
    made = optimizer(1.0)
    step_to(make_lr_scheduler("PolynomialLR", {"T_max": 10, "power": 2}, made), epoch, None)
    assert rates_of(made) == pytest.approx([rate])


@pytest.mark.parametrize(("epoch", "rate"), [(2, 1.0), (3, 0.5), (5, 0.05)])
def test_each_milestone_has_its_gamma(epoch: int, rate: float) -> None:
    made = optimizer(1.0)
    args = {"milestones": (3, 5), "gammas": (0.5, 0.1)}
    step_to(make_lr_scheduler("MultiStepMultiGammaLR", args, made), epoch, None)
    assert rates_of(made) == pytest.approx([rate])


def test_torch_s_classes_land_where_they_would_be_from_epoch_zero() -> None:
    made = optimizer(1.0)
    step_to(
        make_lr_scheduler("StepLR", {"step_size": 2, "gamma": 0.1, "verbose": True}, made), 5, None
    )
    assert rates_of(made) == pytest.approx([0.01])


def test_a_plateau_needs_its_metric() -> None:
    made = optimizer(1.0)
    scheduler = make_lr_scheduler("ReduceLROnPlateau", {"patience": 0, "mode": "max"}, made)
    assert isinstance(scheduler, ReduceLROnPlateau)
    for epoch in (1, 2):
        step_to(scheduler, epoch, {"max": 0.5})
    assert rates_of(made) == pytest.approx([0.1])
    with pytest.raises(KeyError, match="max"):
        step_to(scheduler, 3, None)


def test_groups_that_join_later_are_ruled_too() -> None:
    made = optimizer(1.0)
    scheduler = make_lr_scheduler("PolynomialLR", {"T_max": 10, "power": 1}, made)
    made.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.5})
    step_to(scheduler, 5, None)
    assert rates_of(made) == pytest.approx([0.5, 0.5])


def test_a_new_optimizer_goes_on_where_the_old_one_stood() -> None:
    old, new = optimizer(1.0), optimizer(1.0, 1.0)
    args = {"T_max": 10, "power": 1}
    scheduler = make_lr_scheduler("PolynomialLR", args, old)
    step_to(scheduler, 4, None)
    fresh = make_lr_scheduler("PolynomialLR", args, new)
    rebind(scheduler, fresh, rates_of(old), new)
    assert fresh.last_epoch == 4
    assert rates_of(new) == pytest.approx([0.6, 0.6])


def test_settings_come_back_and_further_groups_get_the_first_rate() -> None:
    saved = ruled_settings(optimizer(0.3, momentum=0.8))
    assert saved == [{"lr": 0.3, "momentum": 0.8}]
    made = optimizer(1.0, 2.0, momentum=0.1)
    restore_settings(made, saved)
    assert rates_of(made) == [0.3, 0.3]
    assert [group["momentum"] for group in made.param_groups] == [0.8, 0.1]
    assert ruled_settings(None) == []
    set_rates(made, [])
    assert rates_of(made) == [0.3, 0.3]
