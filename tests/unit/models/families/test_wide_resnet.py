"""What wide ResNet can be told, and what its networks are called."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.errors import ModelError
from vcc.models import arch_name, build_model
from vcc.models.blueprint import blueprint
from vcc.models.catalog import family_of


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "wide_resnet50b-k2"),
        ({"wide_resnet_k": 1, "wide_resnet_stem": "plain"}, "wide_resnet50b-k1-plain"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("wide_resnet", n_classes=2, **options)
    assert type(network).__name__ == "WideResNet"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.0)


def test_what_it_refuses() -> None:
    with pytest.raises(
        ModelError, match="wide_resnet: wide_resnet_k 0 is not a whole number of at least 1"
    ):
        build_model("wide_resnet", n_classes=2, wide_resnet_k=0)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("wide_resnet").network().__module__ == "vcc.models.networks.wide_resnet"
