"""DenseNet: each layer appends channels to those before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("densenet")
@dataclass(frozen=True, kw_only=True)
class DenseNetFamily(Family):
    """Options of a DenseNet, whose layers are `vcc.models.networks.densenet`."""

    model_depth: int = family_option(
        121, "number of layers", short="{}", always=True, choices=(121, 169, 201, 264)
    )

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.densenet import DenseNet

        return DenseNet
