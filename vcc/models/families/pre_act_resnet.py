"""Pre-activation ResNet: BatchNorm and ReLU in front of each convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES, family_option
from vcc.models.families.base import Family

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("pre_act_resnet")
@dataclass(frozen=True, kw_only=True)
class PreActResNetFamily(Family):
    """Options of a pre-activation ResNet, whose layers are `vcc.models.networks.pre_act_resnet`."""

    model_depth: int = family_option(
        18, "number of layers", short="{}", always=True, choices=(10, 18, 34, 50, 101, 152, 200)
    )
    resnet_shortcut: str = family_option(
        "B",
        "zero padding (A) or 1x1x1 convolution (B)",
        short="{}",
        always=True,
        choices=("A", "B"),
    )

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.pre_act_resnet import PreActResNet

        return PreActResNet
