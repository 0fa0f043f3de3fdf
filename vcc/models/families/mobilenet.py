"""MobileNet: depthwise and 1x1x1 convolutions in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vcc.config.networks.family import FAMILIES, dropout_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("mobilenet")
@dataclass(frozen=True, kw_only=True)
class MobileNetFamily(Family):
    """Options of a MobileNet, whose layers are `vcc.models.networks.mobilenet`."""

    known_by_width: ClassVar[bool] = True

    dropout: float = dropout_option(0.2)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.mobilenet import MobileNet

        return MobileNet
