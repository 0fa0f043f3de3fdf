"""R(2+1)D: a ResNet whose convolutions are split into space and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES
from vcc.models.families.resnet import ResNetFamily

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("resnet2p1d")
@dataclass(frozen=True, kw_only=True)
class R2Plus1DFamily(ResNetFamily):
    """Options of a R(2+1)D, whose layers are `vcc.models.networks.resnet2p1d`."""

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.resnet2p1d import R2Plus1D

        return R2Plus1D
