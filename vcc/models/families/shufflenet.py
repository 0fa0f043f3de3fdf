"""ShuffleNet: grouped 1x1x1 convolutions and shuffles of channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from vcc.config.networks.family import FAMILIES, dropout_option, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("shufflenet")
@dataclass(frozen=True, kw_only=True)
class ShuffleNetFamily(Family):
    """Options of a ShuffleNet, whose layers are `vcc.models.networks.shufflenet`."""

    known_by_width: ClassVar[bool] = True

    groups: int = family_option(
        3,
        "groups of the pointwise convolutions",
        short="-g{}",
        always=True,
        choices=(1, 2, 3, 4, 8),
    )
    dropout: float = dropout_option(0.2)

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.shufflenet import ShuffleNet

        return ShuffleNet
