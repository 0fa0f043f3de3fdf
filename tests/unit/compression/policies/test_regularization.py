"""The regularization policy: the term joins the loss, and small weights fall for one step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.masks.store import MaskStore
from vcc.compression.policies.base import StepContext
from vcc.compression.policies.regularization import RegularizationArguments, RegularizationPolicy
from vcc.compression.regularizers.base import Regularizer
from vcc.compression.schedule.epochs import epoch_range

WEIGHT = [[0.5, -2.0], [0.25, 3.0]]


class Halved(Regularizer):
    """Half the sum of absolute values; what is below 1 goes."""

    targets = ("weight",)

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.abs().sum() / 2

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.abs() >= 1


def network() -> nn.Linear:
    model = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor(WEIGHT))
    return model


def policy(*, criterion: str | None, keep_mask: bool = False) -> RegularizationPolicy:
    return RegularizationPolicy(
        "r", epoch_range(0, 2), Halved(criterion), term="Halved_loss", keep_mask=keep_mask
    )


def step(model: nn.Module, store: MaskStore, *, epoch: int, minibatch: int) -> StepContext:
    return StepContext(model, store, epoch, minibatch, n_minibatches=2)


def test_the_term_is_added_with_its_gradient_and_told_without() -> None:
    model = network()
    store = MaskStore(model)
    made = policy(criterion=None).before_backward_pass(
        step(model, store, epoch=0, minibatch=0), torch.tensor(1.0)
    )
    assert made is not None
    loss, parts = made
    assert float(loss.detach()) == 1.0 + 5.75 / 2
    assert {name: float(term) for name, term in parts.items()} == {"Halved_loss": 5.75 / 2}
    assert not parts["Halved_loss"].requires_grad
    loss.backward()
    assert model.weight.grad is not None
    assert model.weight.grad.tolist() == [[0.5, -0.5], [0.5, 0.5]]


def test_without_a_criterion_no_weight_falls() -> None:
    model = network()
    policy(criterion=None).on_minibatch_end(step(model, MaskStore(model), epoch=1, minibatch=1))
    assert model.weight.tolist() == WEIGHT


@pytest.mark.parametrize(
    ("epoch", "minibatch", "keep_mask", "stays"),
    [(0, 1, True, False), (1, 0, True, False), (1, 1, False, False), (1, 1, True, True)],
)
def test_small_weights_fall_and_the_last_mask_alone_stays(
    epoch: int, minibatch: int, keep_mask: bool, stays: bool
) -> None:
    model = network()
    store = MaskStore(model)
    policy(criterion="abs", keep_mask=keep_mask).on_minibatch_end(
        step(model, store, epoch=epoch, minibatch=minibatch)
    )
    assert model.weight.tolist() == [[0.0, -2.0], [0.0, 3.0]]
    mask = store.masks["weight"]
    assert (mask is not None) == stays
    if mask is not None:
        assert mask.tolist() == [[False, True], [False, True]]


def test_the_last_mask_is_joined_with_a_pruner_s() -> None:
    model = network()
    store = MaskStore(model)
    store.set("weight", torch.tensor([[True, False], [True, True]]))
    policy(criterion="abs", keep_mask=True).on_minibatch_end(
        step(model, store, epoch=1, minibatch=1)
    )
    mask = store.masks["weight"]
    assert mask is not None
    assert mask.tolist() == [[False, False], [False, True]]


def test_a_kept_mask_settles_the_epoch_after() -> None:
    active = epoch_range(2, 5)
    assert RegularizationArguments(keep_mask=True).settled_epoch(active) == 5
    assert RegularizationArguments().settled_epoch(active) is None
