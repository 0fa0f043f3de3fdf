"""Scores of structures, by hand."""

from __future__ import annotations

import pytest
import torch
from prune_context import context
from torch import nn

from vcc.compression.pruners.scores import ActivationScore, GradientScore, NormScore, RandomScore
from vcc.errors import ScheduleError

ROWS = [[3.0, -4.0], [0.0, 1.0]]


def test_norms_are_divided_by_the_count() -> None:
    for order, scores in ((1, [3.5, 0.5]), (2, [2.5, 0.5])):
        score = NormScore(order)("w", (0,), context(w=ROWS))
        assert score is not None
        assert score.tolist() == scores


def test_noise_of_probability_one_changes_every_score_and_is_repeated() -> None:
    noisy = NormScore(1, noise=1.0)
    first, again = (noisy("w", (0,), context(w=ROWS)) for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.tolist() == again.tolist() != [3.5, 0.5]


def test_a_gradient_s_score_is_signed_and_part_of_the_state() -> None:
    model = nn.Linear(2, 2, bias=False)
    score, moment = GradientScore(model), context(weight=ROWS)
    assert score("weight", (0,), moment) is None
    moment.parameters["weight"].grad = torch.tensor([[1.0, 1.0], [5.0, 2.0]])
    found = score("weight", (0,), moment)
    assert found is not None
    assert found.tolist() == [-1.0, 2.0]

    model.weight.grad = torch.ones(2, 2)
    saved = score.state_dict(["weight"])
    resumed = nn.Linear(2, 2, bias=False)
    GradientScore(resumed).load_state_dict(saved)
    assert resumed.weight.grad is not None
    assert resumed.weight.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_a_random_order_changes_with_the_epoch() -> None:
    drawn = [RandomScore()("w", (0,), context(epoch, w=ROWS)) for epoch in (0, 0, 1)]
    first, again, later = [scores.tolist() for scores in drawn if scores is not None]
    assert first == again != later


def test_activations_must_be_the_layer_s_own() -> None:
    figures = {"w": torch.tensor([1.0, 2.0]), "v": torch.ones(3)}
    score = ActivationScore(figures.get, sign=-1)
    moment = context(w=ROWS, v=ROWS, u=ROWS)
    found = score("w", (0,), moment)
    assert found is not None
    assert found.tolist() == [-1.0, -2.0]
    assert score("u", (0,), moment) is None
    with pytest.raises(ScheduleError, match="3 activation statistics for 2 filters"):
        score("v", (0,), moment)
