"""How long a choice may take."""

from __future__ import annotations

import pytest
import torch
from precision_toys import Clocked, Seconds
from torch import nn

from vcc.training.precision.budget import TimeBudget, TooSlowError


@pytest.mark.parametrize(("step_s", "most_s"), [(10.0, 30.0), (0.001, 1.0)])
def test_far_behind_is_three_steps_and_no_less_than_a_second(step_s: float, most_s: float) -> None:
    budget = TimeBudget(lambda: 0.0)
    budget.pace(step_s, steps=100)
    assert budget.far_behind == pytest.approx(most_s)


def test_what_is_left_is_a_minute_or_two_epochs() -> None:
    clock = Seconds()
    budget = TimeBudget(clock)
    assert budget.left() == 60.0
    budget.pace(2.0, steps=5)
    clock.now = 8.0
    assert budget.left() == 12.0
    # A slow machine gets no more than the minute.
    budget.pace(50.0, steps=1000)
    clock.now = 70.0
    assert budget.left() == -50.0


def test_before_the_first_step_nothing_is_far_behind() -> None:
    assert TimeBudget(Seconds()).far_behind == float("inf")
    assert TimeBudget(Seconds(), seconds=float("inf")).left() == float("inf")


def test_a_step_is_ended_once_it_is_late() -> None:
    clock = Seconds()
    network = nn.Sequential(Clocked(clock, 1.0), Clocked(clock, 1.0), Clocked(clock, 1.0))
    budget = TimeBudget(clock)
    with budget.watched(network, 10.0):
        network(torch.ones(1))
    with pytest.raises(TooSlowError), budget.watched(network, 1.5):
        network(torch.ones(1))
    assert clock.now == 5.0
    # Nobody watches any more.
    network(torch.ones(1))
    assert clock.now == 8.0


def test_a_late_backward_pass_is_ended_too() -> None:
    clock = Seconds()
    network = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    with TimeBudget(clock).watched(network, 1.0):
        loss = network(torch.ones(1)).sum()
        clock.now = 2.0
        with pytest.raises(TooSlowError):
            loss.backward()
