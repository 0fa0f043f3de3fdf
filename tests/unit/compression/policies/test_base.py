"""Where training stands, and a policy that does nothing unless it says otherwise."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

from vcc.compression.masks.store import MaskStore
from vcc.compression.policies.base import Policy, StepContext
from vcc.compression.schedule.epochs import epoch_range


def context(**where: int) -> StepContext:
    model = nn.Linear(2, 2)
    return StepContext(model, MaskStore(model), **where)


@pytest.mark.parametrize(
    ("where", "step"),
    [
        ({"epoch": 0}, 0),
        ({"epoch": 3, "minibatch": 2, "n_minibatches": 5}, 17),
        # How many there are is not known: an epoch's own number says nothing.
        ({"epoch": 3, "minibatch": 2}, 2),
    ],
)
def test_minibatches_are_numbered_through_all_epochs(where: dict[str, int], step: int) -> None:
    assert context(**where).step == step


def test_a_plain_policy_changes_nothing() -> None:
    policy, here = Policy("idle", epoch_range(0, 2)), context(epoch=0)
    before = here.model.weight.clone()
    loss = torch.tensor(1.0)
    assert policy.before_backward_pass(here, loss) is None
    assert policy.state_dict() == {}
    policy.load_state_dict({})
    policy.observe(torch.zeros(1), torch.zeros(1))
    policy.attach(torch.optim.SGD(here.model.parameters(), lr=0.1))
    called = [
        name
        for name, method in inspect.getmembers(policy, inspect.ismethod)
        if list(inspect.signature(method).parameters) == ["context"]
        and getattr(policy, name)(here) is None
    ]
    assert set(called) == {
        *("on_epoch_begin", "on_minibatch_begin", "before_parameter_optimization"),
        *("on_minibatch_end", "on_epoch_end", "restructure", "on_structure_changed"),
    }
    assert torch.equal(here.model.weight, before)
    assert here.store.masks == dict.fromkeys(("weight", "bias"))
    assert (policy.structural, policy.renames, policy.runs_last) == (False, False, False)
