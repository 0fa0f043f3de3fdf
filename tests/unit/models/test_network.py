"""What the families have in common."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.network import VideoNetwork, head_of, init_weights, network_of, pool_features
from vcc.models.spec import ModelSpec


class Tiny(VideoNetwork):
    """A pool and a head, which may be another module than a linear layer."""

    head_name = "top.0"

    def __init__(self, head: nn.Module) -> None:
        super().__init__(ModelSpec(family="tiny", n_classes=2))
        self.head = nn.Identity()
        self.top = nn.Sequential(head)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.top(pool_features(x))
        return result


@pytest.mark.parametrize("head", [nn.Linear(3, 2), nn.Conv3d(3, 2, 1)])
def test_the_head_is_found_by_its_name(head: nn.Module) -> None:
    assert head_of(Tiny(head)) is head


def test_another_kind_of_head_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^the head top.0 is a Identity, neither .*before the ne"):
        head_of(Tiny(nn.Identity()))


def test_the_network_is_found_in_its_wrappers() -> None:
    network = Tiny(nn.Linear(3, 2))

    class Wrapped(nn.Module):
        def __init__(self, name: str, inner: nn.Module) -> None:
            super().__init__()
            self.add_module(name, inner)

    assert network_of(network) is network
    wrapped = Wrapped("_orig_mod", Wrapped("module", Wrapped("network", network)))
    assert network_of(wrapped) is network


@pytest.mark.parametrize("other", [nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2))])
def test_another_network_is_refused(other: nn.Module) -> None:
    with pytest.raises(ModelError, match="was not built by vcc.models.build_model"):
        network_of(other)


def test_features_are_averaged_over_time_and_space() -> None:
    features = torch.arange(48.0).reshape(2, 3, 2, 2, 2)
    assert torch.equal(pool_features(features), features.flatten(2).mean(2))
    assert pool_features(features[..., :1, :1]).shape == (2, 3)


def test_weights_begin_as_published() -> None:
    conv, norm, linear = nn.Conv3d(64, 32, 3), nn.BatchNorm3d(4), nn.Linear(3, 2)
    nn.init.constant_(norm.weight, 7.0)
    nn.init.constant_(norm.bias, 7.0)
    before = linear.weight.detach().clone()
    init_weights(nn.Sequential(conv, norm, linear))
    # Kaiming by fan-out: variance 2 / (filters * kernel).
    assert conv.weight.std().item() == pytest.approx((2 / (32 * 27)) ** 0.5, rel=0.05)
    assert (norm.weight.unique().tolist(), norm.bias.unique().tolist()) == ([1.0], [0.0])
    assert torch.equal(linear.weight, before)
