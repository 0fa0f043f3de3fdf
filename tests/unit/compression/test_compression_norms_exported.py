"""A network whose norms were thinned goes into an ONNX file and a checkpoint's record."""

from __future__ import annotations

import pytest
import torch
from networks.blocks import of_blocks

from vcc.compression.channels.dead import zero_filters_
from vcc.compression.channels.trace import trace_channels
from vcc.compression.thinning.group_masks import group_masks
from vcc.compression.thinning.remove import thin_
from vcc.models.architecture import (
    describe_layers,
    describe_sections,
    rebuild_sections,
    resize_layers,
)
from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.spec import ModelSpec
from vcc.pipeline.admission.checks import check_exported

SPEC = ModelSpec(family="python:somewhere:make", n_classes=3, sample_size=16, sample_duration=4)


def thinned(name: str) -> WrappedNetwork:
    network = of_blocks(name).float()
    clip = torch.zeros(1, 3, 4, 16, 16)
    groups = trace_channels(network, clip)
    masks = group_masks(groups, lambda _: 0.5)
    zero_filters_(network, masks, groups)
    assert thin_(network, masks, clip).removed > 0
    return WrappedNetwork(SPEC, network, head_name="fc").eval()


@pytest.mark.parametrize("name", ["ConvNeXt", "GroupNorm"])
def test_a_record_rebuilds_the_network(name: str) -> None:
    network, again = thinned(name), WrappedNetwork(SPEC, of_blocks(name).float(), head_name="fc")
    layers, sections = describe_layers(network), describe_sections(network)
    again.to("meta")
    resize_layers(again, layers)
    rebuild_sections(again, sections)
    again.to_empty(device="cpu").load_state_dict(network.state_dict())
    clips = torch.randn(2, 3, 4, 16, 16)
    assert torch.equal(again.eval()(clips), network(clips))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ConvNeXt", "GroupNorm"])
def test_its_file_computes_the_same(name: str) -> None:
    assert check_exported(thinned(name)).startswith("logits differ by ")
