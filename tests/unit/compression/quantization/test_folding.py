"""BatchNorm folded into the layer in front of it: the same outputs, one layer less."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vcc.compression.quantization.folding import fold_batchnorms, fold_batchnorms_checked


def network(*, bias: bool = True, affine: bool = True) -> nn.Sequential:
    """Return a layer and a BatchNorm that has seen data, in evaluation mode."""
    model = nn.Sequential(nn.Conv3d(2, 3, 1, bias=bias), nn.BatchNorm3d(3, affine=affine))
    for _ in range(3):
        model(torch.randn(4, 2, 2, 2, 2) * 2 + 1)
    return model.eval()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_folding_changes_nothing(bias: bool, affine: bool) -> None:
    model, x = network(bias=bias, affine=affine), torch.randn(2, 2, 2, 2, 2)
    before = model(x)
    assert fold_batchnorms(model, {"0": "1"}) == ["1"]
    assert isinstance(model[1], nn.Identity)
    assert model[0].bias is not None
    torch.testing.assert_close(model(x), before)


def test_a_scale_and_shift_by_hand() -> None:
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1, eps=0.0)).eval()
    with torch.no_grad():
        model[0].weight.fill_(2.0)
        model[0].bias.fill_(1.0)
        model[1].weight.fill_(3.0)
        model[1].bias.fill_(-1.0)
        model[1].running_mean.fill_(5.0)
        model[1].running_var.fill_(4.0)
    fold_batchnorms(model, {"0": "1"})
    # scale 3 / 2; bias -1 + (1 - 5) * 1.5
    assert model[0].weight.tolist() == [[3.0]]
    assert model[0].bias.tolist() == [-7.0]


def test_a_batchnorm_without_statistics_stays() -> None:
    model = nn.Sequential(nn.Conv3d(2, 3, 1), nn.BatchNorm3d(3, track_running_stats=False))
    assert fold_batchnorms(model, {"0": "1"}) == []
    assert isinstance(model[1], nn.BatchNorm3d)


def test_a_fold_that_changes_the_network_is_undone(caplog: pytest.LogCaptureFixture) -> None:
    class Twice(nn.Module):
        """Uses its convolution twice, once without the BatchNorm."""

        def __init__(self) -> None:
            super().__init__()
            self.both = network()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.both[0](x) + self.both(x)
            return out

    model, x = Twice().eval(), torch.randn(2, 2, 2, 2, 2)
    before, bias = model(x), model.both[0].bias
    assert fold_batchnorms_checked(model, {"both.0": "both.1"}, x) == []
    assert "both.1 is not folded into both.0" in caplog.text
    assert model.both[0].bias is bias
    assert torch.equal(model(x), before)
