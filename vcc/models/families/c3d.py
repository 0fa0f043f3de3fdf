"""C3D: plain convolutions, made for clips of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, dropout_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("c3d")
@dataclass(frozen=True, kw_only=True)
class C3DFamily(Family):
    """Options of a C3D, whose layers are `vcc.models.networks.c3d`."""

    dropout: float = dropout_option(0.5)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.c3d import C3D

        return C3D
