"""What R(2+1)D can be told, and what its networks are called."""

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
        ({}, "resnet2p1d18b"),
        ({"model_depth": 50, "resnet_shortcut": "A"}, "resnet2p1d50a"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("resnet2p1d", n_classes=2, **options)
    assert type(network).__name__ == "R2Plus1D"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.0)


def test_what_it_refuses() -> None:
    with pytest.raises(ModelError, match="resnet2p1d: model_depth 26 is not one of 10, 18, 34"):
        build_model("resnet2p1d", n_classes=2, model_depth=26)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("resnet2p1d").network().__module__ == "vcc.models.networks.resnet2p1d"
