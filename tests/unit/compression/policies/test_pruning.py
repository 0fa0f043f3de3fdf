"""The pruning policy: when masks are computed, and how long they act."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.masks.store import MaskStore
from vcc.compression.policies.base import StepContext
from vcc.compression.policies.pruning import PruningFlags, PruningPolicy
from vcc.compression.pruners.base import PruneContext, Pruner
from vcc.compression.schedule.epochs import epoch_range
from vcc.errors import ScheduleError


class OneMore(Pruner):
    """Masks one more of four weights each time that it is asked."""

    targets = ("weight",)

    def __init__(self) -> None:
        self.asked = 0

    def new_masks(self, context: PruneContext) -> dict[str, Tensor]:
        self.asked += 1
        return {"weight": torch.arange(4).reshape(2, 2) >= self.asked}

    def state_dict(self) -> dict[str, Any]:
        return {"asked": self.asked}

    def load_state_dict(self, saved: Any) -> None:
        self.asked = saved["asked"]


class Case:
    """A network of four ones, its masks and a policy of epochs 0 and 1, three minibatches each."""

    def __init__(self, **flags: Any) -> None:
        self.model = nn.Linear(2, 2, bias=False)
        nn.init.ones_(self.model.weight)
        self.store, self.pruner = MaskStore(self.model), OneMore()
        self.policy = PruningPolicy(
            "p", epoch_range(0, 2), self.pruner, flags=PruningFlags(**flags)
        )

    def at(self, epoch: int, minibatch: int = 0) -> StepContext:
        return StepContext(self.model, self.store, epoch, minibatch, n_minibatches=3)

    def counts(self, epoch: int) -> list[int]:
        """Return how often masks were computed, after the epoch's begin and each minibatch's."""
        self.policy.on_epoch_begin(self.at(epoch))
        found = [self.pruner.asked]
        for minibatch in range(3):
            self.policy.on_minibatch_begin(self.at(epoch, minibatch))
            found.append(self.pruner.asked)
        return found


@pytest.mark.parametrize(
    ("flags", "first", "second"),
    [
        ({}, [1, 1, 1, 1], [2, 2, 2, 2]),
        # Steps are counted over epochs: 0..2, then 3..5.
        ({"mini_batch_pruning_frequency": 2}, [1, 1, 1, 2], [3, 3, 4, 4]),
        ({"skip_first_minibatch": True}, [0, 0, 1, 1], [2, 2, 2, 2]),
    ],
)
def test_masks_are_computed_when_they_are_due(
    flags: dict[str, Any], first: list[int], second: list[int]
) -> None:
    case = Case(**flags)
    assert case.counts(0) == first
    assert case.counts(1) == second


def test_masks_act_in_the_forward_pass_and_may_be_dropped_after_the_step() -> None:
    case = Case(discard_masks_at_minibatch_end=True)
    case.policy.on_epoch_begin(case.at(0))
    assert case.model.weight.tolist() == [[1, 1], [1, 1]]
    case.policy.on_minibatch_begin(case.at(0))
    assert case.model.weight.tolist() == [[0, 1], [1, 1]]
    case.policy.on_minibatch_end(case.at(0))
    assert case.store.masks["weight"] is None


def test_dense_weights_come_back_before_the_step_with_double_copies() -> None:
    case = Case(use_double_copies=True)
    case.policy.on_epoch_begin(case.at(0))
    case.policy.on_minibatch_begin(case.at(0))
    assert case.model.weight.tolist() == [[0, 1], [1, 1]]
    case.policy.before_parameter_optimization(case.at(0))
    assert case.model.weight.tolist() == [[1, 1], [1, 1]]


def test_a_kept_mask_stands_in_the_weights_after_the_last_epoch_only() -> None:
    case = Case(mask_on_forward_only=True, keep_mask=True)
    case.policy.on_epoch_begin(case.at(0))
    case.policy.on_epoch_end(case.at(0))
    assert case.model.weight.tolist() == [[1, 1], [1, 1]]
    case.policy.on_epoch_end(case.at(1))
    assert case.model.weight.tolist() == [[0, 1], [1, 1]]
    with torch.no_grad():
        case.model.weight.fill_(2)
    case.store.apply_after_step()
    assert case.model.weight.tolist() == [[0, 2], [2, 2]]


def test_a_resumed_policy_goes_on_where_it_was() -> None:
    case, resumed = Case(skip_first_minibatch=True), Case(skip_first_minibatch=True)
    case.counts(0)
    resumed.policy.load_state_dict(case.policy.state_dict())
    assert resumed.counts(1) == [2, 2, 2, 2]


def test_gradients_are_masked_only_where_weights_are_not() -> None:
    with pytest.raises(ScheduleError, match="mask_gradients needs mask_on_forward_only: true"):
        PruningFlags(mask_gradients=True)
    assert PruningFlags().settled_epoch(epoch_range(0, 3)) == 2
    assert PruningFlags(mask_on_forward_only=True).settled_epoch(epoch_range(0, 3)) == 3
