"""What SqueezeNet can be told, and what its networks are called."""

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
        ({}, "squeezenet-v1.1"),
        ({"version": 1.0, "width_mult": 0.5}, "squeezenet-v1.0-0.5"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("squeezenet", n_classes=2, **options)
    assert type(network).__name__ == "SqueezeNet"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.5)


def test_what_it_refuses() -> None:
    with pytest.raises(ModelError, match="squeezenet: version 2.0 is not one of 1.0, 1.1"):
        build_model("squeezenet", n_classes=2, version=2.0)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("squeezenet").network().__module__ == "vcc.models.networks.squeezenet"
