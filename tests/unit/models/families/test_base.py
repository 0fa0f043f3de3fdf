"""A family builds its network from its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from torch import Tensor, nn

from vcc.config.networks.family import FAMILIES, FamilyOptions, family_option
from vcc.errors import ModelError
from vcc.models import build_model
from vcc.models.families.base import Family
from vcc.models.network import VideoNetwork
from vcc.models.spec import ModelSpec


class Net(VideoNetwork):
    """Remembers its options."""

    head_name = "fc"

    def __init__(self, spec: ModelSpec, **options: Any) -> None:
        super().__init__(spec)
        self.told = options
        self.fc = nn.Linear(3, spec.n_classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Return logits of the mean pixel."""
        logits: Tensor = self.fc(clips.mean(dim=(2, 3, 4)))
        return logits


@dataclass(frozen=True, kw_only=True)
class Toy(Family):
    """A family with one option."""

    heads: int = family_option(4, "how many", at_least=1)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        return Net


@dataclass(frozen=True, kw_only=True)
class Unbuildable(FamilyOptions):
    """Options alone."""


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {**dict(FAMILIES.items()), "toy": Toy, "unbuildable": Unbuildable}
    monkeypatch.setattr(FAMILIES, "_parts", parts)


def test_a_network_gets_its_options_and_its_record() -> None:
    network = build_model("toy", n_classes=5, heads=2)
    assert isinstance(network, Net)
    assert network.told == {"heads": 2, "width_mult": 1.0, "dropout": 0.0}
    assert network.spec.as_dict()["options"] == network.told


def test_a_class_that_builds_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match=r"unbuildable: Unbuildable is no subclass of vcc\.models"):
        build_model("unbuildable", n_classes=2)
