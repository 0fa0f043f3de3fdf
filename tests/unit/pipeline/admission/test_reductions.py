"""Each way to make a network smaller, tried on a copy: what it cannot have is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from vcc.errors import ExportError, ModelError
from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.spec import ModelSpec
from vcc.pipeline.admission import checks, reductions

SPEC = ModelSpec(family="python:somewhere:make", n_classes=3, sample_size=16, sample_duration=4)


class Net(nn.Module):
    """conv, norm, a change of the tensor, conv, classifier."""

    def __init__(self, change: Callable[[Tensor], Tensor] = torch.relu) -> None:
        super().__init__()
        self.change = change
        self.a, self.n = nn.Conv3d(3, 8, 3, padding=1), nn.BatchNorm3d(8)
        self.b, self.fc = nn.Conv3d(8, 8, 3, padding=1), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc(self.b(self.change(self.n(self.a(x)))).mean((2, 3, 4)))
        return found


def wrapped(net: nn.Module) -> WrappedNetwork:
    return checks.shaken(WrappedNetwork(SPEC, net, head_name="fc"))  # type: ignore[return-value]


def test_a_plain_network_has_them_all_and_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reductions, "write_int8", lambda *_: None)  # takes seconds
    network = wrapped(Net())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert reductions.check_folded(network) == "1 of 1 BatchNorms"
    assert reductions.check_thinned(network) == "8 of 8 filters removed"
    assert reductions.check_quantized(network) == "3 of 3 layers in int8"
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class First(nn.Module):
    """A norm in front of the first layer: no layer to fold it into."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.net = nn.BatchNorm3d(3), Net()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.fc(self.net(self.norm(x)))
        return found


def test_a_batchnorm_that_stays_is_named() -> None:
    assert reductions.check_folded(wrapped(First())) == "1 of 2 BatchNorms; they stay: norm"


def test_filters_that_stay_are_named_by_their_layer_with_the_reason() -> None:
    said = reductions.check_thinned(wrapped(Net(lambda x: x.softmax(1))))
    assert said.startswith("4 of 8 filters removed; whole: a (")


def test_a_thinned_network_that_says_something_else_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reductions, "equal", lambda *_: False)
    with pytest.raises(ModelError, match="thinned it computes something else than masked: please"):
        reductions.check_thinned(wrapped(Net()))


def test_a_file_that_cannot_be_written_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        msg = "an operator\nwithout a name"
        raise ExportError(msg)

    monkeypatch.setattr(reductions, "write_int8", refuse)
    said = reductions.check_quantized(wrapped(Net()))
    assert said.startswith("3 of 3 layers in int8; not to be exported so: an operator")
    assert "\n" not in said
