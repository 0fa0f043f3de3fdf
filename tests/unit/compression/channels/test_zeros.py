"""Which layers read zeros: by running, whatever the operations are called."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcc.compression.channels.steps import UntraceableError
from vcc.compression.channels.zeros import zeros_read

CLIP = torch.zeros(1, 3, 2, 4, 4)
MASKED = {"a": torch.tensor([True, False, False, False])}
Change = Callable[[Tensor], Tensor]


class Between(nn.Module):
    """A convolution with its BatchNorm, an operation, and a convolution that reads it."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change
        self.a, self.n, self.b = nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.Conv3d(4, 2, 1)
        self.fc = nn.Linear(2 * 32, 2)
        with torch.no_grad():
            for vector in (self.a.bias, self.n.weight, self.n.bias):
                vector[0] = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.b(self.change(self.n(self.a(x)))).flatten(1))


def read(change: Change) -> list[bool]:
    return zeros_read(Between(change), MASKED, CLIP)["b"].tolist()


@pytest.mark.parametrize(
    "change",
    [
        torch.relu,
        F.gelu,
        lambda x: x * x.sigmoid(),
        lambda x: x * torch.sigmoid(x.mean((2, 3, 4), keepdim=True)),
        lambda x: F.pad(x, (1, 1, 1, 1))[..., 1:-1, 1:-1],
        lambda x: x.flatten(2).transpose(1, 2).softmax(1).transpose(1, 2).view_as(x) * x,
        lambda x: x - x.roll(1, 2),
    ],
)
def test_what_keeps_zeros(change: Change) -> None:
    assert read(change) == [True, False, False, False]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 1 - x,
        lambda x: torch.addcmul(torch.ones_like(x), x, x),
        lambda x: F.pad(x, (1, 1, 1, 1), value=1.0)[..., 1:-1, 1:-1] + 1,
        lambda x: torch.logsumexp(torch.stack([x, x]), 0),
        lambda x: x - x.mean(1, keepdim=True),
        torch.sigmoid,
    ],
)
def test_what_does_not(change: Change) -> None:
    assert not any(read(change))


def test_a_bias_or_a_batchnorm_that_is_not_masked_shows() -> None:
    for spoil in (lambda net: net.n.bias, lambda net: net.n.weight):
        net = Between(torch.relu)
        with torch.no_grad():
            spoil(net)[0] = 0.3
        # A weight alone does as well: the mean is subtracted from zeros, too.
        assert not zeros_read(net, MASKED, CLIP)["b"].any()


def test_no_relu_that_happens_to_be_closed_hides_a_channel() -> None:
    net = Between(torch.relu)
    with torch.no_grad():
        net.n.bias[1] = -1e9
    assert zeros_read(net, MASKED, CLIP)["b"].tolist() == [True, False, False, False]


def test_the_network_stays_as_it_was_and_nothing_runs_without_masks() -> None:
    net = Between(torch.relu).train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    drawn = torch.get_rng_state()
    assert not zeros_read(net, MASKED, CLIP)["fc"].any()
    assert zeros_read(net, {}, CLIP) == {}
    assert net.training
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_a_layer_that_is_given_its_input_by_name_is_seen() -> None:
    class ByName(Between):
        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.b(input=self.n(self.a(x))).flatten(1))

    assert zeros_read(ByName(torch.relu), MASKED, CLIP)["b"].tolist() == [True, *[False] * 3]


def test_a_network_that_refuses_random_numbers_is_left_whole_with_a_line() -> None:
    def picky(x: Tensor) -> Tensor:
        msg = "not\nfor me"
        raise ValueError(msg)

    with pytest.raises(UntraceableError, match=r"random parameters \(not for me\)"):
        zeros_read(Between(picky), MASKED, CLIP)
