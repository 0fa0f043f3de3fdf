"""What MobileNet can be told, and what its networks are called."""

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
        ({}, "mobilenet-1.0"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("mobilenet", n_classes=2, **options)
    assert type(network).__name__ == "MobileNet"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.2)


def test_what_it_refuses() -> None:
    with pytest.raises(ModelError, match="mobilenet: unknown option 'groups'"):
        build_model("mobilenet", n_classes=2, groups=3)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("mobilenet").network().__module__ == "vcc.models.networks.mobilenet"
