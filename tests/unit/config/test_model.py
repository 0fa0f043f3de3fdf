"""Options that choose a network."""

from __future__ import annotations

from typing import Any

import pytest

from vcc.config.model import ModelOptions
from vcc.errors import ConfigError


def test_a_family_takes_its_own_options_alone() -> None:
    built = ModelOptions(model="resnet", model_depth=18, width_mult=0.5).build_options()
    assert (built["model_depth"], built["width_mult"]) == (18, 0.5)
    assert "groups" not in built
    # Left out, so that each family has its own.
    assert "dropout" not in built
    assert ModelOptions(model="csn", dropout=0.0).build_options()["dropout"] == 0.0


def test_a_builder_takes_what_a_factory_is_given() -> None:
    options = ModelOptions(
        model="python:package.module:make", model_args='{"depth": 3}', classes_arg="classes"
    )
    assert options.build_options() == {
        "model_args": {"depth": 3},
        "classes_arg": "classes",
        "head": None,
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "resnt"}, "^model: 'resnt' is not one of .*did you mean resnet"),
        ({"model": "python:package"}, "^model: "),
        ({"model_args": "{}"}, "^model_args: is for model=torchvision:NAME and model=python:"),
        ({"head": "fc"}, "^head: is for model=torchvision"),
        ({"classes_arg": "n"}, "^classes_arg: is for"),
        ({"model": "torchvision:r3d_18", "model_args": "3"}, "^model_args: '3' is no JSON object"),
        ({"width_mult": 0.0}, "^width_mult: 0.0"),
        ({"dropout": 1.0}, "^dropout: 1.0"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_option(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        ModelOptions(**values)
    assert "\n" not in str(caught.value)
