"""Passes over calibration clips end where nobody looks any further."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vcc.compression.mending.passes import MOST_CLIPS, calls_in_order, watch_layer


class Twice(nn.Module):
    """Calls one layer twice, and counts how often its last one runs."""

    def __init__(self) -> None:
        super().__init__()
        self.unused, self.last, self.shared = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
        self.ends = 0

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(self.shared(x))
        self.ends += 1
        out: Tensor = self.last(x)
        return out


def test_layers_are_listed_as_they_run() -> None:
    found = calls_in_order(Twice(), ["last", "shared", "unused"], torch.zeros(1, 2))
    assert list(found.items()) == [("shared", 2), ("last", 1)]


def test_every_call_is_seen_and_the_rest_not_computed() -> None:
    model = Twice().train()
    seen: list[tuple[Tensor, Tensor]] = []
    clips = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))

    def look(layer: nn.Module, read: Tensor, output: Tensor) -> None:
        assert layer is model.shared
        seen.append((read, output))

    watch_layer(model, "shared", 2, lambda: [clips[:2], clips[2:]], look)
    assert model.ends == 0
    assert len(seen) == 6
    assert torch.equal(seen[0][1], seen[1][0]), "the second call reads what the first computed"
    assert torch.equal(torch.cat([each for each, _ in seen[::2]]), clips)
    assert model.training
    assert not model.shared._forward_hooks


def test_so_many_clips_are_enough() -> None:
    seen = []
    clips = torch.zeros(MOST_CLIPS, 2)
    watch_layer(Twice(), "last", 1, lambda: [clips, clips], lambda *_: seen.append(1))
    assert len(seen) == MOST_CLIPS
