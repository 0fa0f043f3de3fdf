"""X3D: depthwise bottlenecks with squeeze-excitation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, dropout_option, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("x3d")
@dataclass(frozen=True, kw_only=True)
class X3DFamily(Family):
    """Options of a X3D, whose layers are `vcc.models.networks.pytorchvideo.x3d`."""

    x3d_size: str = family_option(
        "m",
        "its size; xs, s and m are one network, published for other clips",
        short="-{}",
        always=True,
        choices=("m", "s", "xs", "l"),
    )
    dropout: float = dropout_option(0.5)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.pytorchvideo.x3d import X3D

        return X3D
