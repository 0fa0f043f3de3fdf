"""A family builds its network from its options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from strangers import install_package
from torch import Tensor, nn

from vcc.config.networks.family import FAMILIES, FamilyOptions, family_option
from vcc.errors import ModelError
from vcc.models import arch_name, build_model, list_models
from vcc.models.checkpoint import load_checkpoint, save_checkpoint
from vcc.models.families.base import Family
from vcc.models.network import VideoNetwork
from vcc.models.spec import ModelSpec

STRANGER = """
from dataclasses import dataclass

from torch import nn

from vcc.config.networks.family import FAMILIES, family_option
from vcc.models.families.base import Family
from vcc.models.network import VideoNetwork, pool_features


class PlainNet(VideoNetwork):
    head_name = "fc"

    def __init__(self, spec, *, n_blocks, width_mult, dropout):
        super().__init__(spec)
        width = int(16 * width_mult)
        inputs = [3, *[width] * (n_blocks - 1)]
        self.body = nn.Sequential(*(nn.Conv3d(n, width, 3, 2, padding=1) for n in inputs))
        self.fc = nn.Linear(width, spec.n_classes)

    def forward(self, clips):
        return self.fc(pool_features(self.body(clips)))


@FAMILIES.register("plain")
@dataclass(frozen=True, kw_only=True)
class Plain(Family):
    n_blocks: int = family_option(3, "blocks, each halving the clip", at_least=1, at_most=4)

    @classmethod
    def network(cls):
        return PlainNet
"""


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


def test_another_package_registers_a_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path, monkeypatch, FAMILIES, STRANGER)
    network = build_model("plain", n_classes=2, n_blocks=2, sample_size=16, sample_duration=4)
    # An option that no family of vcc has is part of the name.
    assert arch_name(network.spec) == "plain-n_blocks2"
    assert "plain" in list_models()
    loaded = load_checkpoint(save_checkpoint(tmp_path / "saved", network, {})).model
    clips = torch.zeros(1, *network.spec.clip_shape)
    assert torch.equal(loaded.eval()(clips), network.eval()(clips))
    with pytest.raises(ModelError, match="plain: n_blocks 5 is not a whole number between 1 and 4"):
        build_model("plain", n_classes=2, n_blocks=5)
