"""First-order Taylor importance: squares averaged over minibatches, at the gate or the weight."""

from __future__ import annotations

import pytest
import torch
from prune_context import context
from torch import nn

from vcc.compression.pruners.filter_scores import Gate
from vcc.compression.pruners.ramps import ConstantFraction
from vcc.compression.pruners.ranked import RankedPruner
from vcc.compression.pruners.taylor import TaylorPruner, TaylorScore


def with_gradient(value: list[float], gradient: list[float]) -> nn.Parameter:
    parameter = nn.Parameter(torch.tensor(value))
    parameter.grad = torch.tensor(gradient)
    return parameter


def weights(*gradient: float) -> dict[str, nn.Parameter]:
    """Return two filters of weight 1 and 2 with these gradients."""
    parameter = nn.Parameter(torch.tensor([[1.0], [2.0]]))
    parameter.grad = torch.tensor([[each] for each in gradient])
    return {"weight": parameter}


def test_squares_are_averaged_over_minibatches() -> None:
    score = TaylorScore({}, (0,))
    assert score("weight", (0,), context(weight=[[1.0], [2.0]])) is None
    score.observe(["weight"], weights(1.0, -1.0))
    score.observe(["weight"], weights(3.0, 0.0))
    # (1 + 9) / 2 and (4 + 0) / 2
    found = score("weight", (0,), context(weight=[[1.0], [2.0]]))
    assert found is not None
    assert found.tolist() == [5.0, 2.0]
    masked = score("weight", (0,), context(weight=[[0.0], [2.0]]))
    assert masked is not None
    assert masked.tolist() == [0.0, 2.0]


def test_a_filter_s_bias_belongs_to_it() -> None:
    score = TaylorScore({}, (0,))
    score.observe(["weight"], {**weights(1.0, 1.0), "bias": with_gradient([1.0, 1.0], [2.0, -2.0])})
    assert score.sums["weight"].tolist() == [9.0, 0.0]


def test_a_filter_behind_a_batchnorm_is_judged_there() -> None:
    score = TaylorScore({"weight": Gate("gamma", "beta")}, (0,))
    gate = {
        "gamma": with_gradient([2.0, 1.0], [1.0, 1.0]),
        "beta": with_gradient([1.0, 0.0], [3.0, 3.0]),
    }
    score.observe(["weight"], {**weights(7.0, 7.0), **gate})
    assert score.sums["weight"].tolist() == [25.0, 1.0]


@pytest.mark.parametrize("gradient", [float("inf"), float("nan")])
def test_gradients_that_overflowed_are_passed_over(gradient: float) -> None:
    score = TaylorScore({}, (0,))
    score.observe(["weight"], weights(gradient, 1.0))
    assert score.counts == {}


def test_a_pruner_ranks_by_what_came_since_its_last_masks() -> None:
    score = TaylorScore({}, (0,))
    ranked = RankedPruner(
        ("weight",), group_type="Filters", fraction=ConstantFraction(0.5), score=score
    )
    pruner = TaylorPruner(ranked, score)
    moment = context(weight=[[1.0], [2.0]])
    assert pruner.needs_minibatches
    assert pruner.new_masks(moment) == {}
    pruner.observe_gradients(weights(3.0, 1.0))
    resumed_score = TaylorScore({}, (0,))
    resumed_score.load_state_dict(score.state_dict(["weight"]))
    assert resumed_score.sums["weight"].tolist() == [9.0, 4.0]
    assert pruner.new_masks(moment)["weight"].flatten().tolist() == [True, False]
    assert pruner.new_masks(moment) == {}
