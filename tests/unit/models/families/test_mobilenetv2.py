"""What MobileNetV2 can be told, and what its networks are called."""

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
        ({}, "mobilenetv2-1.0"),
        ({"width_mult": 0.45}, "mobilenetv2-0.45"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("mobilenetv2", n_classes=2, **options)
    assert type(network).__name__ == "MobileNetV2"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.2)


def test_what_it_refuses() -> None:
    with pytest.raises(
        ModelError, match="mobilenetv2: dropout -0.1 is not a number between 0 and 0.99"
    ):
        build_model("mobilenetv2", n_classes=2, dropout=-0.1)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("mobilenetv2").network().__module__ == "vcc.models.networks.mobilenetv2"
