"""Short names of networks are written from the declared options."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vcc.config.networks.family import FAMILIES, FamilyOptions, family_option
from vcc.config.networks.short_names import short_name
from vcc.errors import ModelError


@dataclass(frozen=True, kw_only=True)
class Toy(FamilyOptions):
    """A family that spells options in every way."""

    depth: int = family_option(2, "layers", short="{}", always=True)
    kind: str = family_option("Plain", "kind", short="{}", always=True, choices=("Plain", "Odd"))
    heads: int = family_option(4, "how many", short="-h{}")
    factor: float = family_option(1.0, "how much")
    wide: bool = family_option(False, "whether it is wide")


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FAMILIES, "_parts", {**dict(FAMILIES.items()), "toy": Toy})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "toy2plain"),
        ({"kind": "Odd", "heads": 8}, "toy2odd-h8"),
        ({"factor": 2}, "toy2plain-factor2.0"),
        ({"wide": True, "width_mult": 0.5}, "toy2plain-widetrue-0.5"),
        ({"dropout": 0.3}, "toy2plain"),
    ],
)
def test_names_are_written(options: dict[str, object], name: str) -> None:
    given = Toy(**options).as_dict()  # type: ignore[arg-type]
    assert short_name("toy", given) == name


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ModelError, match="unknown model 'tou'"):
        short_name("tou", {})
