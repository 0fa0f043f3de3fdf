"""The learning-rate policy: rates by absolute epoch, over a new optimizer and a resumed run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

from vcc.compression.masks.store import MaskStore
from vcc.compression.policies.base import StepContext
from vcc.compression.policies.learning_rate import LearningRatePolicy
from vcc.compression.schedule.epochs import epoch_range
from vcc.errors import ScheduleError


def sgd(rate: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=rate)


def stepped(make: Any = lambda o: StepLR(o, step_size=1, gamma=0.5)) -> LearningRatePolicy:
    return LearningRatePolicy("rates", epoch_range(0, 9), "StepLR", make)


def end(policy: LearningRatePolicy, epoch: int, **metrics: float) -> None:
    model = nn.Linear(1, 1)
    policy.on_epoch_end(StepContext(model, MaskStore(model), epoch, metrics=metrics))


def rate(optimizer: torch.optim.Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


def test_the_rate_of_the_next_epoch_is_set_at_an_epoch_s_end() -> None:
    policy, optimizer = stepped(), sgd()
    policy.attach(optimizer)
    rates = []
    for epoch in range(3):
        end(policy, epoch)
        rates.append(rate(optimizer))
    assert rates == pytest.approx([0.05, 0.025, 0.0125])


def test_a_new_optimizer_goes_on_at_the_rate_of_the_old_one() -> None:
    policy, optimizer = stepped(), sgd()
    policy.attach(optimizer)
    end(policy, 0)
    fresh = sgd()
    policy.attach(fresh)
    assert rate(fresh) == pytest.approx(0.05)
    end(policy, 1)
    assert rate(fresh) == pytest.approx(0.025)
    assert rate(optimizer) == pytest.approx(0.05)


def test_a_state_may_come_before_the_optimizer() -> None:
    policy, optimizer = stepped(), sgd()
    policy.attach(optimizer)
    end(policy, 0)
    saved = policy.state_dict()
    resumed, its = stepped(), sgd()
    resumed.load_state_dict(saved)
    assert resumed.state_dict() == saved
    resumed.attach(its)
    its.load_state_dict(optimizer.state_dict())
    end(resumed, 1)
    end(policy, 1)
    assert rate(its) == rate(optimizer) == pytest.approx(0.025)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ScheduleError, match="lr_scheduler rates has no optimizer"):
        end(stepped(), 0)
    refused = stepped(lambda optimizer: StepLR(optimizer, gamma=0.5))  # type: ignore[call-arg]
    with pytest.raises(ScheduleError, match="lr_scheduler rates: StepLR refuses its arguments"):
        refused.attach(sgd())
    plateau = stepped(lambda optimizer: ReduceLROnPlateau(optimizer, mode="max"))
    plateau.attach(sgd())
    with pytest.raises(ScheduleError, match="needs the metric 'max'"):
        end(plateau, 0)
    end(plateau, 0, min=1.0, max=0.5)
