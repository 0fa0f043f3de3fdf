"""PyTorch itself as a runtime."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vcc.export.runtimes.eager import EagerSession


class Asking(nn.Module):
    """Gives its pixels back, and notes how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.seen: list[tuple[int, bool, bool]] = []

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen.append((torch.get_num_threads(), self.training, torch.is_grad_enabled()))
        if len(pixels) > 2:
            raise RuntimeError
        return pixels * self.weight


def test_it_runs_in_float32_without_gradients_in_its_own_threads() -> None:
    network = Asking()
    session = EagerSession(network, threads=2)
    pixels = np.arange(2, dtype=np.float32).reshape(2, 1)
    logits = session.run(pixels)
    assert logits.dtype == np.float32
    assert logits.tolist() == [[0.0], [1.0]]
    assert network.seen == [(2, False, False)]
    assert torch.get_num_threads() == 1


def test_threads_are_put_back_after_an_error() -> None:
    session = EagerSession(Asking(), threads=2)
    with pytest.raises(RuntimeError):
        session.run(np.zeros((3, 1), np.float32))
    assert torch.get_num_threads() == 1
