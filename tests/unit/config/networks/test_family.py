"""What a family can be told, checked before there is a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from vcc.config.networks.family import (
    FAMILIES,
    FamilyOptions,
    dropout_option,
    family_option,
    option_names,
    own_options,
)
from vcc.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class Toy(FamilyOptions):
    """A family with an option of each kind."""

    depth: int = family_option(2, "layers", choices=(2, 3))
    factor: float = family_option(1.5, "how much", above=1)
    heads: int = family_option(4, "how many", at_least=1)
    norm: str = family_option("batch", "kind of norm")
    wide: bool = family_option(False, "whether it is wide")
    dropout: float = dropout_option(0.5)


def test_own_options_come_first() -> None:
    names = ("depth", "factor", "heads", "norm", "wide", "width_mult", "dropout")
    assert option_names(Toy) == names
    assert tuple(Toy().as_dict()) == names
    assert [field.name for field in own_options(Toy)] == list(names[:-2])
    assert Toy().dropout == 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 4}, "depth 4 is not one of 2, 3"),
        ({"factor": 1.0}, "factor 1.0 is not a number of more than 1"),
        ({"factor": float("inf")}, "factor inf is not a number"),
        ({"heads": True}, "heads True is not a whole number of at least 1"),
        ({"norm": 3}, "norm 3 is not a text"),
        ({"wide": 1}, "wide 1 is not true or false"),
        ({"width_mult": float("nan")}, "width_mult nan is not a number between 0.0625 and 16"),
        ({"dropout": None}, "dropout None is not a number between 0 and 0.99"),
    ],
)
def test_bad_values_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=f"^{message}"):
        Toy(**options)


def test_the_families_of_vcc_are_known() -> None:
    assert {"c3d", "csn", "mobilenet", "mobilenetv2", "resnet", "resnext"} <= set(FAMILIES)
    with pytest.raises(ModelError, match="unknown model 'resnt': did you mean resnet"):
        FAMILIES.get("resnt")
