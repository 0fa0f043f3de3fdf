"""Which registered model an entry point starts from."""

from __future__ import annotations

import dataclasses

import pytest

from vcc.config.networks.family import FAMILIES, option_names
from vcc.config.tracking import SourceOptions
from vcc.errors import ConfigError


def test_options_left_unset_match_anything() -> None:
    options = SourceOptions(model="resnet")
    names = {name for family in FAMILIES.names() for name in option_names(FAMILIES.get(family))}
    fields = {field.name for field in dataclasses.fields(options)}
    named = names & fields
    assert {"model_depth", "width_mult"} <= named
    assert all(getattr(options, name) is None for name in named)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width_mult": 0.0}, "width_mult: 0.0"),
        ({"n_threads": -1}, "n_threads: -1"),
        ({"model_args": "x"}, "model_args: 'x' is not JSON"),
    ],
)
def test_what_a_source_refuses(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SourceOptions(**values)
