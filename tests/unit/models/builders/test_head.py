"""The head is the layer whose output is the logits, whatever it is called."""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.builders.head import find_head, run_checked

CLIP = (3, 2, 8, 8)


class Linear(nn.Module):
    """As many hidden features as classes, so that numbers alone do not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.first = nn.Linear(4, 4), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x.mean((2, 3, 4))).relu())


class Pooled(nn.Module):
    """A convolution, then the mean: S3D and SqueezeNet."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.scores = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(self.features(x)).mean((2, 3, 4))


class Probabilities(Linear):
    """No logits."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(1)


@pytest.mark.parametrize(("network", "name"), [(Linear, "last"), (Pooled, "scores")])
def test_it_is_found(network: type[nn.Module], name: str) -> None:
    model = network()

    assert find_head(model, CLIP, 4) == name
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_probabilities_have_no_head() -> None:
    with pytest.raises(ModelError, match="no layer's output is: name it by head=LAYER"):
        find_head(Probabilities(), CLIP, 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x[0], r"returns \[4\] for clips 2x3x2x8x8: it must return logits \[2, 4\]"),
        (lambda x: {"logits": x}, "returns a dict"),
        (lambda x: x @ x, "does not run on clips 2x3x2x8x8"),
    ],
)
def test_what_is_no_classifier(change: object, said: str) -> None:
    model = Linear()
    whole = model.forward
    model.forward = lambda x: change(whole(x))  # type: ignore[assignment,operator]

    with pytest.raises(ModelError, match=said):
        run_checked(model, torch.randn(2, *CLIP), 4)


@pytest.mark.parametrize("clip", [CLIP, (3, 2, 8)])
def test_a_frozen_module_stays_in_its_mode(clip: tuple[int, ...]) -> None:
    network = Linear()
    network.first.eval()
    with contextlib.suppress(ModelError):
        run_checked(network, torch.zeros(1, *clip), 4)
    assert (network.training, network.last.training) == (True, True)
    assert not network.first.training
