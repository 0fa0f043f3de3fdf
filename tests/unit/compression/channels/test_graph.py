"""Which parameters and filters belong together, in networks small enough to say by hand."""

from __future__ import annotations

import pytest
import torch
from models_tiny import EACH_KIND, tiny_clip, tiny_network
from torch import Tensor, nn

from vcc.compression.channels import graph
from vcc.compression.channels.trace import trace_channels


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def coupled_parameters(model: nn.Module, clip: Tensor) -> dict[str, tuple[str, ...]]:
    return graph.coupled_parameters(model, trace_channels(model, clip))


def filter_groups(model: nn.Module, clip: Tensor) -> list[tuple[str, ...]]:
    return graph.filter_groups(model, trace_channels(model, clip))


def filter_weights(model: nn.Module) -> set[str]:
    """Return the weights of convolutions and linear layers, less the classifier's."""
    makers = [n for n, m in model.named_modules() if isinstance(m, nn.Conv3d | nn.Linear)]
    return {f"{name}.weight" for name in makers if name != model.head_name}


class TestCoupledParameters:
    def test_a_convolution_owns_its_bias_and_batchnorm(self):
        net = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.Flatten(),
            nn.Linear(20, 2),
        )  # fmt: skip
        assert coupled_parameters(net, torch.randn(1, 3, 6, 6)) == {
            "0.weight": ("0.bias", "1.weight", "1.bias"),
            "3.weight": ("3.bias",),
        }

    def test_a_hidden_linear_layer_owns_its_bias_and_batchnorm_and_the_classifier_nothing(self):
        coupled = coupled_parameters(tiny_network("c3d"), tiny_clip("c3d"))
        assert coupled["fc1.0.weight"] == ("fc1.0.bias", "fc1.1.weight", "fc1.1.bias")
        assert "fc.0.weight" not in coupled

    def test_a_depthwise_convolution_shares_the_channels_of_the_one_before(self):
        coupled = coupled_parameters(tiny_network("mobilenetv2"), tiny_clip())
        own = ("features.2.conv.4.weight", "features.2.conv.4.bias")
        before = ("features.2.conv.1.weight", "features.2.conv.1.bias")
        assert coupled["features.2.conv.0.weight"] == (*before, *own)
        assert coupled["features.2.conv.3.weight"] == own

    def test_csn_ip_has_no_batchnorm_before_the_depthwise_one(self):
        coupled = coupled_parameters(tiny_network("csn26ip"), tiny_clip())
        own = ("layer1.0.bn2.weight", "layer1.0.bn2.bias")
        assert coupled["layer1.0.conv2.0.weight"] == own
        assert coupled["layer1.0.conv2.1.weight"] == own

    def test_what_comes_behind_a_shuffle_is_another_filter_s(self):
        coupled = coupled_parameters(tiny_network("shufflenetg3"), tiny_clip())
        bn = "layer1.1.bn1.weight", "layer1.1.bn1.bias"
        assert coupled["layer1.1.conv1.weight"] == bn
        assert coupled["layer1.1.conv2.weight"] == ("layer1.1.bn2.weight", "layer1.1.bn2.bias")

    def test_what_comes_behind_the_sum_is_not_the_filter_s_own(self):
        coupled = coupled_parameters(tiny_network("resnet18b"), tiny_clip())
        assert coupled["conv1.weight"] == ("bn1.weight", "bn1.bias")
        assert coupled["layer2.0.conv2.weight"] == ("layer2.0.bn2.weight", "layer2.0.bn2.bias")

    @pytest.mark.parametrize("variant", EACH_KIND)
    def test_every_convolution_has_an_entry_of_its_width(self, variant):
        model = tiny_network(variant)
        parameters = dict(model.named_parameters())
        coupled = coupled_parameters(model, tiny_clip(variant))
        assert set(coupled) == filter_weights(model)
        # In front of a sum or a concatenation these have no BatchNorm, nor X3D in front of a mean.
        bare = variant.startswith(("pre_act", "dense", "x3d"))
        for name, vectors in coupled.items():
            shapes = {parameters[vector].shape for vector in vectors}
            assert shapes == {parameters[name].shape[:1]} or (bare and not shapes)


class TestFilterGroups:
    def test_residual_streams_of_shortcut_b(self):
        groups = filter_groups(tiny_network("resnet18b"), tiny_clip())
        assert groups[0] == ("conv1.weight", "layer1.0.conv2.weight", "layer1.1.conv2.weight")
        assert (
            "layer2.0.conv2.weight",
            "layer2.0.downsample.0.weight",
            "layer2.1.conv2.weight",
        ) in groups
        # 8 inner convolutions and 4 streams.
        assert len(groups) == 12

    def test_shortcut_a_couples_the_streams_of_all_widths(self):
        groups = filter_groups(tiny_network("resnet10a"), tiny_clip())
        assert groups == [
            ("conv1.weight", *(f"layer{stage}.0.conv2.weight" for stage in (1, 2, 3, 4))),
            *((f"layer{stage}.0.conv1.weight",) for stage in (1, 2, 3, 4)),
        ]

    def test_a_convolution_goes_with_the_depthwise_one_that_follows(self):
        groups = filter_groups(tiny_network("mobilenetv2"), tiny_clip())
        assert groups[0] == ("features.0.0.weight", "features.1.conv.0.weight")
        assert ("features.2.conv.0.weight", "features.2.conv.3.weight") in groups
        assert ("features.18.0.weight",) in groups

    @pytest.mark.parametrize("variant", EACH_KIND)
    def test_every_convolution_but_a_classifier_is_in_exactly_one_group(self, variant):
        model = tiny_network(variant)
        names = [name for group in filter_groups(model, tiny_clip(variant)) for name in group]
        assert sorted(names) == sorted(filter_weights(model))

    def test_a_convolution_that_classifies_is_in_none(self):
        net = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        assert filter_groups(net, torch.randn(1, 3, 6, 6)) == [("0.weight",)]
