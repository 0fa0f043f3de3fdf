"""MobileNetV2: inverted residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vcc.config.networks.family import FAMILIES, dropout_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("mobilenetv2")
@dataclass(frozen=True, kw_only=True)
class MobileNetV2Family(Family):
    """Options of a MobileNetV2, whose layers are `vcc.models.networks.mobilenetv2`."""

    known_by_width: ClassVar[bool] = True

    dropout: float = dropout_option(0.2)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.mobilenetv2 import MobileNetV2

        return MobileNetV2
