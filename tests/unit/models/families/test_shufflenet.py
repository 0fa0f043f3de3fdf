"""What ShuffleNet can be told, and what its networks are called."""

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
        ({}, "shufflenet-g3-1.0"),
        ({"groups": 8}, "shufflenet-g8-1.0"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("shufflenet", n_classes=2, **options)
    assert type(network).__name__ == "ShuffleNet"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.2)


def test_what_it_refuses() -> None:
    with pytest.raises(ModelError, match="shufflenet: groups 5 is not one of 1, 2, 3, 4, 8"):
        build_model("shufflenet", n_classes=2, groups=5)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("shufflenet").network().__module__ == "vcc.models.networks.shufflenet"
