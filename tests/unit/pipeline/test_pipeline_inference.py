"""Answers that are not numbers are errors that name the layer or the video."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.errors import ModelError
from vcc.evaluation.accuracy import NonFiniteError, check_finite
from vcc.pipeline.inference import classify_with_network


def test_the_layer_is_named() -> None:
    network = nn.Sequential()
    network.add_module("first", nn.Linear(4, 4))
    network.add_module("broken", nn.Linear(4, 4))
    network.add_module("last", nn.Linear(4, 2))
    clips = torch.ones(2, 4)
    classify = classify_with_network(network, torch.device("cpu"))
    assert classify(clips).shape == (2, 2)
    with torch.no_grad():
        network.broken.weight[0, 0] = float("nan")  # type: ignore[union-attr, operator, index]
    with pytest.raises(ModelError, match="first in its layer 'broken'"):
        classify(clips)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_the_video_is_named(value: float) -> None:
    logits = torch.zeros(3, 2)
    check_finite(logits, torch.tensor([4, 5, 6]))
    logits[1, 0] = value
    with pytest.raises(NonFiniteError) as caught:
        check_finite(logits, torch.tensor([4, 5, 6]))
    assert caught.value.video == 5
