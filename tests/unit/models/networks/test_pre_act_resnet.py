"""Pre-activation ResNet: norms in front of convolutions, in ResNet's frame."""

from __future__ import annotations

import pytest
import torch
from shapes import shaped, shapes_of
from torch import nn

from vcc.models.networks.pre_act_resnet import PreActivationBasicBlock, PreActivationBottleneck


def test_the_frame_is_resnet_s() -> None:
    network = shaped("pre_act_resnet", model_depth=50)
    assert shapes_of(network, ("layer1", "layer4")) == [(256, 8, 28, 28), (2048, 1, 4, 4), (2, 7)]


@pytest.mark.parametrize(
    ("block", "width"), [(PreActivationBasicBlock, 8), (PreActivationBottleneck, 2)]
)
def test_a_block_without_weights_passes_its_input_on_as_it_is(
    block: type[nn.Module], width: int
) -> None:
    made = block(8, width, 1, None).eval()
    for parameter in made.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 8, 2, 3, 3)
    given = x.clone()
    assert torch.equal(made(x), given)


def test_nothing_is_normalised_behind_the_last_sum() -> None:
    network = shaped("pre_act_resnet", model_depth=18)
    assert [name for name, _ in network.named_children()][-2:] == ["dropout", "fc"]
