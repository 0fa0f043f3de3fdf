"""What Slow can be told, and what its networks are called."""

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
        ({}, "slow50"),
        ({"model_depth": 101, "dropout": 0.0}, "slow101"),
    ],
)
def test_networks_have_short_names(options: dict[str, Any], name: str) -> None:
    with blueprint():
        network = build_model("slow", n_classes=2, **options)
    assert type(network).__name__ == "Slow"
    assert arch_name(network.spec) == name
    assert network.spec.options["dropout"] == options.get("dropout", 0.5)


def test_what_it_refuses() -> None:
    with pytest.raises(ModelError, match="slow: model_depth 18 is not one of 50, 101, 152"):
        build_model("slow", n_classes=2, model_depth=18)


def test_the_command_line_and_the_layers_know_the_same() -> None:
    assert family_of("slow").network().__module__ == "vcc.models.networks.pytorchvideo.slow"
