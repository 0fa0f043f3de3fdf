"""Pre-activation ResNet: BatchNorm and ReLU in front of each convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vcc.config.networks.family import FAMILIES
from vcc.models.families.resnet import ResNetFamily

if TYPE_CHECKING:
    from vcc.models.network import VideoNetwork


@FAMILIES.register("pre_act_resnet")
@dataclass(frozen=True, kw_only=True)
class PreActResNetFamily(ResNetFamily):
    """Options of a pre-activation ResNet, whose layers are `vcc.models.networks.pre_act_resnet`."""

    @classmethod
    def network(cls) -> type[VideoNetwork]:
        """Return the class of network."""
        from vcc.models.networks.pre_act_resnet import PreActResNet

        return PreActResNet
