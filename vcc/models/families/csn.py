"""CSN: a ResNet of bottlenecks whose 3x3x3 convolutions are depthwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("csn")
@dataclass(frozen=True, kw_only=True)
class CsnFamily(Family):
    """Options of a CSN, whose layers are `vcc.models.networks.csn`."""

    model_depth: int = family_option(
        50, "number of layers", short="{}", always=True, choices=(26, 50, 101, 152)
    )
    model_type: str = family_option(
        "ip",
        "interaction preserved (ip) or reduced (ir)",
        short="{}",
        always=True,
        choices=("ip", "ir"),
    )

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.csn import CSN

        return CSN
