"""Parameters of no layer, cut by thinning, and given their shapes again."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from networks.styles import CLIP, styled
from torch import nn

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace import trace_channels
from vcc.compression.thinning.remove import thin_
from vcc.errors import ModelError
from vcc.models.architecture import describe_layers, resize_layers
from vcc.models.builders.bare import describe_parameters, rebuild_parameters, remember_shapes


def thinned() -> nn.Module:
    net, clip = styled("layer_scale"), torch.randn(CLIP)
    masks = {}
    for name in ("a.weight", "b.weight"):
        masks[name] = torch.ones_like(net.get_parameter(name), dtype=torch.bool)
        masks[name][::2] = False
    zero_filters_(net, masks, trace_channels(net, clip))
    gamma, before = net.gamma.detach().clone(), net(clip)
    assert thin_(net, masks, clip).kept["gamma"][0].tolist() == [1, 3, 5, 7]
    assert torch.equal(net.gamma, gamma[1::2])
    torch.testing.assert_close(net(clip), before)
    return net


def test_a_cut_parameter_is_described_and_comes_back() -> None:
    net, clip = thinned(), torch.randn(CLIP)
    shapes = describe_parameters(net)
    assert shapes == {"gamma": [4, 1, 1, 1]}

    again = copy.deepcopy(styled("layer_scale")).to("meta")
    resize_layers(again, describe_layers(net))
    rebuild_parameters(again, shapes)
    again = again.to_empty(device="cpu")
    again.load_state_dict(net.state_dict())

    assert torch.equal(again(clip), net(clip))
    assert describe_parameters(again) == shapes


def test_a_whole_network_has_nothing_to_say() -> None:
    net = styled("layer_scale")
    remember_shapes(net, ())
    assert describe_parameters(net) is None


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"gama": [4, 1, 1, 1]}, "'gama' is not in the network: did you mean gamma"),
        ({"gamma": [9, 1, 1, 1]}, r"\[9, 1, 1, 1\] is no part of its \[8, 1, 1, 1\]"),
        ({"gamma": [0, 1, 1, 1]}, "is no part of"),
        ({"gamma": [4]}, "is no part of"),
        ({"gamma": [True, 1, 1, 1]}, "is no part of"),
        ({"gamma": "4"}, "is no part of"),
    ],
)
def test_what_is_no_such_parameter_is_refused(shapes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        rebuild_parameters(styled("layer_scale").to("meta"), shapes)
