"""Fine-tuning trains what it says, and leaves the rest as it was, statistics included."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vcc.errors import ConfigError
from vcc.models import build_model
from vcc.models.builders.wrapped import WrappedNetwork
from vcc.models.spec import ModelSpec
from vcc.training.finetuning import choose_trained, freeze_statistics

FAMILIES: dict[str, dict[str, Any]] = {
    "resnet": {"model_depth": 10, "width_mult": 0.125},
    "mobilenetv2": {"width_mult": 0.25},
    "csn": {"model_depth": 26, "width_mult": 0.125},
    "squeezenet": {"width_mult": 0.25},
    "shufflenet": {"width_mult": 0.25},
    "shufflenetv2": {"width_mult": 0.25},
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_last_layer_is_the_head_in_every_family(family: str) -> None:
    network = build_model(family, n_classes=3, **FAMILIES[family])
    choose_trained(network, "last_layer")
    freeze_statistics(network.train())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    # Steps by the gradient's sign: an untrained network's features may be tiny.
    optimizer = torch.optim.Rprop(trained, lr=0.1)
    network(torch.randn(2, 3, 4, 32, 32)).square().sum().backward()
    optimizer.step()
    changed = {
        name for name, value in network.state_dict().items() if (value != before[name]).any()
    }
    assert changed == {f"{network.head_name}.weight", f"{network.head_name}.bias"}


def test_the_head_may_be_defined_first() -> None:
    network = nn.Sequential()
    network.add_module("fc", nn.Linear(2, 3))
    network.add_module("features", nn.Linear(3, 2))
    spec = ModelSpec(family="python:somewhere:make", n_classes=3)
    wrapped = WrappedNetwork(spec, network, head_name="fc")

    choose_trained(wrapped, "last_layer")

    trained = {name for name, each in wrapped.named_parameters() if each.requires_grad}
    assert trained == {"fc.weight", "fc.bias"}


def test_from_a_layer_on() -> None:
    network = build_model("resnet", n_classes=3, **FAMILIES["resnet"])
    choose_trained(network, "from:layer4")
    trained = {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert trained == {"layer4", "fc"}
    freeze_statistics(network.train())
    assert not network.get_submodule("layer3.0.bn1").training
    assert network.get_submodule("layer4.0.bn1").training


def test_complete_trains_everything_again() -> None:
    network = build_model("resnet", n_classes=3, **FAMILIES["resnet"])
    choose_trained(network, "last_layer")
    choose_trained(network, "complete")
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(
    ("portion", "message"),
    [("from:layer5", "no layer 'layer5'.*did you mean layer"), ("last", "is not complete")],
)
def test_an_unknown_portion_is_refused(portion: str, message: str) -> None:
    network = build_model("resnet", n_classes=3, **FAMILIES["resnet"])
    with pytest.raises(ConfigError, match=message):
        choose_trained(network, portion)
