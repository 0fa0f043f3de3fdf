"""What X3D can be told, and what its networks are called."""

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
        ({}, "x3d-m"),
        ({"x3d_size": "l", "width_mult": 0.5}, "x3d-l-0.5"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("x3d", n_classes=2, **options)
    assert type(network).__name__ == "X3D"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.5)


def test_what_it_refuses() -> None:
    with pytest.raises(ModelError, match="x3d: x3d_size 'xl' is not one of m, s, xs, l"):
        build_model("x3d", n_classes=2, x3d_size="xl")


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("x3d").network().__module__ == "vcc.models.networks.pytorchvideo.x3d"
