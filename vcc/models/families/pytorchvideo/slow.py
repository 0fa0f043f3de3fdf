"""Slow: the slow path of SlowFast, a ResNet that keeps every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, dropout_option, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("slow")
@dataclass(frozen=True, kw_only=True)
class SlowFamily(Family):
    """Options of a Slow network, whose layers are `vcc.models.networks.pytorchvideo.slow`."""

    model_depth: int = family_option(
        50, "number of layers", short="{}", always=True, choices=(50, 101, 152)
    )
    dropout: float = dropout_option(0.5)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.pytorchvideo.slow import Slow

        return Slow
