"""Each check of admission, on networks that pass it and on networks that do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.spec import ModelSpec
from vcc.pipeline.admission import checks

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


def wrapped(change: Callable[[Tensor], Tensor] = torch.relu) -> WrappedNetwork:
    return checks.shaken(WrappedNetwork(SPEC, Net(change), head_name="fc"))  # type: ignore[return-value]


def test_a_plain_network_passes_them() -> None:
    network = wrapped()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    assert checks.check_forward(network) == "clips 3x4x16x16 to 3 logits, by ones and by twos"
    assert checks.check_size(network).startswith("0.00 M parameters, 0.002 GMACs")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_shaking_gives_a_batchnorm_something_to_fold() -> None:
    dense = WrappedNetwork(SPEC, Net(), head_name="fc")

    assert float(wrapped().get_buffer("n.running_mean").abs().max()) > 0
    assert float(dense.get_buffer("n.running_mean").abs().max()) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x - x.mean(0, keepdim=True), "depend on the clips beside it"),
        (lambda x: x / 0, "not finite"),
        (lambda x: x[:, :7], "does not run on clips 2x3x4x16x16"),
    ],
)
def test_networks_that_do_not_classify_clips(change: Callable[[Tensor], Tensor], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        checks.check_forward(wrapped(change))


def test_a_tensor_that_belongs_to_no_layer() -> None:
    constant = torch.ones(8, 1, 1, 1)

    with pytest.raises(ModelError, match="register_buffer"):
        checks.check_size(wrapped(lambda x: x * constant))


def test_what_cannot_be_exported() -> None:
    def twice_if_large(x: Tensor) -> Tensor:
        return 2 * x if float(x.sum()) > 0 else x

    with pytest.raises(ModelError, match="cannot be exported"):
        checks.check_exported(wrapped(twice_if_large))
