"""ResNeXt: a ResNet of grouped bottlenecks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("resnext")
@dataclass(frozen=True, kw_only=True)
class ResNeXtFamily(Family):
    """Options of a ResNeXt, whose layers are `vcc.models.networks.resnext`."""

    model_depth: int = family_option(
        50, "number of layers", short="{}", always=True, choices=(50, 101, 152)
    )
    resnet_shortcut: str = family_option(
        "B",
        "zero padding (A) or 1x1x1 convolution (B)",
        short="{}",
        always=True,
        choices=("A", "B"),
    )
    resnext_cardinality: int = family_option(
        32, "groups of the middle convolution of a block", short="-c{}", at_least=1
    )

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.resnext import ResNeXt

        return ResNeXt
