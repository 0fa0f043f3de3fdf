"""What regularizers have in common: the sum of their terms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.compression.regularizers.base import REGULARIZERS, Regularizer
from vcc.errors import ScheduleError


class Size(Regularizer):
    """The sum of the weights named."""

    def __init__(self, *targets: str) -> None:
        super().__init__(None)
        self._targets = targets

    @property
    def targets(self) -> tuple[str, ...]:
        return self._targets

    def loss(self, name: str, parameter: Tensor) -> Tensor:
        return parameter.sum()

    def keep(self, name: str, parameter: Tensor) -> Tensor:
        return parameter > 0


def parameters() -> dict[str, nn.Parameter]:
    return {name: nn.Parameter(torch.full((2,), size)) for name, size in (("a", 1.0), ("b", 10.0))}


def test_the_terms_of_its_own_parameters_are_added() -> None:
    assert Size("a").total(parameters()).item() == 2.0
    assert Size("a", "b").total(parameters()).item() == 22.0


def test_a_layer_that_is_gone_has_no_term() -> None:
    # Folded or replaced since the schedule was bound.
    assert Size("a", "gone").total(parameters()).item() == 2.0


def test_an_unknown_regularizer_is_refused_with_the_nearest() -> None:
    name = sorted(REGULARIZERS.names())[0]
    assert REGULARIZERS.get(name)
    with pytest.raises(ScheduleError, match=f"did you mean {name}"):
        REGULARIZERS.get(name[:-1])
