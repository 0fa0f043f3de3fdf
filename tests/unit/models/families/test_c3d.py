"""What C3D can be told, and what its networks are called."""

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
        ({}, "c3d"),
        ({"width_mult": 0.5}, "c3d-0.5"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("c3d", n_classes=2, **options)
    assert type(network).__name__ == "C3D"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.5)


def test_what_it_refuses() -> None:
    with pytest.raises(ModelError, match="c3d: unknown option 'model_depth'"):
        build_model("c3d", n_classes=2, model_depth=18)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("c3d").network().__module__ == "vcc.models.networks.c3d"
