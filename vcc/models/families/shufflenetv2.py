"""ShuffleNetV2: half of the channels pass each block as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vcc.config.networks.family import FAMILIES, dropout_option, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("shufflenetv2")
@dataclass(frozen=True, kw_only=True)
class ShuffleNetV2Family(Family):
    """Options of a ShuffleNetV2, whose layers are `vcc.models.networks.shufflenetv2`."""

    known_by_width: ClassVar[bool] = True

    width_mult: float = family_option(
        1.0, "factor on the channels: the published ones only", choices=(0.25, 0.5, 1.0, 1.5, 2.0)
    )
    dropout: float = dropout_option(0.2)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.shufflenetv2 import ShuffleNetV2

        return ShuffleNetV2
