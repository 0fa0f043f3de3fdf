"""Wide ResNet: bottlenecks of more channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("wide_resnet")
@dataclass(frozen=True, kw_only=True)
class WideResNetFamily(Family):
    """Options of a wide ResNet, whose layers are `vcc.models.networks.wide_resnet`."""

    model_depth: int = family_option(
        50, "number of layers", short="{}", always=True, choices=(50, 101, 152, 200)
    )
    resnet_shortcut: str = family_option(
        "B",
        "zero padding (A) or 1x1x1 convolution (B)",
        short="{}",
        always=True,
        choices=("A", "B"),
    )
    wide_resnet_k: int = family_option(
        2, "factor on the channels inside bottlenecks", short="-k{}", always=True, at_least=1
    )
    wide_resnet_stem: str = family_option(
        "wide",
        "first layer k times as wide (wide), or as published in 2018 (plain)",
        short="-{}",
        choices=("wide", "plain"),
    )

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.wide_resnet import WideResNet

        return WideResNet
