"""Which epoch's weights are kept."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vcc.training.best import BestWeights


class Training:
    """Epochs with dictated figures; each writes its number into the weights."""

    def __init__(self, best: BestWeights) -> None:
        self.best = best
        self.module: Any = SimpleNamespace(classifier=nn.Linear(1, 1, bias=False))

    def epoch(self, number: int, top1: float, loss: float) -> None:
        nn.init.constant_(self.module.classifier.weight, float(number))
        metrics = {"dev_video_top1": torch.tensor(top1), "dev_loss": torch.tensor(loss)}
        trainer: Any = SimpleNamespace(current_epoch=number, callback_metrics=metrics, callbacks=[])
        self.best.on_validation_end(trainer, self.module)

    def end(self) -> float:
        trainer: Any = SimpleNamespace()
        self.best.on_fit_end(trainer, self.module)
        return float(self.module.classifier.weight.detach())


@pytest.mark.parametrize(
    ("figures", "kept"),
    [
        ([(0.5, 1.0), (0.9, 1.0), (0.7, 0.1)], 1),
        ([(0.9, 2.0), (0.9, 1.0), (0.9, 3.0)], 1),
        ([(0.9, 1.0), (0.9, 1.0)], 1),
        ([(0.0, 9.0)], 0),
        ([(0.9, math.nan), (0.9, 5.0), (0.9, math.nan)], 1),
    ],
    ids=["highest accuracy", "then lowest loss", "then the later", "the only one", "no NaN"],
)
def test_the_best_epoch_is_put_back(figures: list[tuple[float, float]], kept: int) -> None:
    training = Training(BestWeights(first_epoch=10))
    for number, (top1, loss) in enumerate(figures):
        training.epoch(number, top1, loss)
    assert training.end() == kept
    assert training.best.best_epoch == 10 + kept


def test_epochs_before_the_first_candidate_are_not_kept() -> None:
    training = Training(BestWeights(first_epoch=4, first_candidate=6))
    for number, top1 in enumerate((1.0, 0.9, 0.1)):
        training.epoch(number, top1, 1.0)
    assert training.end() == 2


def test_without_a_candidate_the_weights_stay() -> None:
    training = Training(BestWeights(first_candidate=9))
    training.epoch(3, 0.5, 1.0)
    assert training.best.weights is None
    assert training.end() == 3


def test_what_was_kept_is_a_copy() -> None:
    training = Training(BestWeights())
    training.epoch(1, 0.5, 1.0)
    nn.init.constant_(training.module.classifier.weight, 99.0)
    assert training.best.weights is not None
    assert training.best.weights["weight"].item() == 1.0


def test_the_best_so_far_comes_back_from_a_checkpoint() -> None:
    first = Training(BestWeights())
    first.epoch(0, 0.8, 1.0)
    again = Training(BestWeights())
    again.best.load_state_dict(first.best.state_dict())
    again.epoch(1, 0.7, 0.1)
    assert (again.best.best_epoch, again.end()) == (0, 0.0)
    empty = BestWeights()
    empty.load_state_dict(BestWeights().state_dict())
    assert empty.best_epoch is None
