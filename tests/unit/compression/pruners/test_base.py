"""What a pruner is told, and drawing by chance that a resumed run repeats."""

from __future__ import annotations

import torch
from torch import nn

from vcc.compression.pruners.base import PruneContext, draw_generator
from vcc.compression.schedule.epochs import epoch_range


def test_a_weight_is_the_parameter_s_or_what_is_ranked_in_its_place() -> None:
    parameter = nn.Parameter(torch.ones(2, 2))
    plain = PruneContext({"w": parameter}, {}, epoch_range(0, 1), 0)
    assert not plain.weight("w").requires_grad
    assert plain.weight("w").tolist() == parameter.tolist()
    folded = PruneContext(
        {"w": parameter}, {}, epoch_range(0, 1), 0, rank_weight=lambda _: parameter * 3
    )
    assert folded.weight("w").tolist() == [[3.0, 3.0], [3.0, 3.0]]
    assert not folded.weight("w").requires_grad


def test_a_draw_depends_on_what_it_is_for_and_on_nothing_else() -> None:
    def draw(*parts: object) -> float:
        return float(torch.rand((), generator=draw_generator(*parts)))

    first = draw("order", "w", 1, 0)
    torch.manual_seed(1234)
    assert draw("order", "w", 1, 0) == first
    assert len({first, draw("order", "w", 2, 0), draw("order", "v", 1, 0), draw("noise")}) == 4
