"""SqueezeNet: fire modules, and a convolution as classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, dropout_option, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("squeezenet")
@dataclass(frozen=True, kw_only=True)
class SqueezeNetFamily(Family):
    """Options of a SqueezeNet, whose layers are `vcc.models.networks.squeezenet`."""

    version: float = family_option(
        1.1, "its release", short="-v{}", always=True, choices=(1.0, 1.1)
    )
    dropout: float = dropout_option(0.5)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.squeezenet import SqueezeNet

        return SqueezeNet
