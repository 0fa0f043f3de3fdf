"""Wide 3D ResNet: names, shapes and outputs of kenshohara/3D-ResNets-PyTorch.

Hara, Kataoka and Satoh 2018, after Zagoruyko and Komodakis 2016, "Wide residual networks": a ResNet
of bottlenecks k times as wide inside, and twice as wide outside as inside.
"""

from __future__ import annotations

from vcc.models.networks.resnet import (
    BLOCKS,
    STAGE_WIDTHS,
    STEM_WIDTH,
    Bottleneck,
    ResidualNetwork,
    Stages,
)
from vcc.models.spec import ModelSpec


class WideBottleneck(Bottleneck):
    """1x1x1, 3x3x3, 1x1x1 and a shortcut, with half of ResNet's expansion."""

    expansion = 2


class WideResNet(ResidualNetwork):
    """ResNet's stem, stages and head with wide bottlenecks.

    The stem's channels are k times ResNet's too (`wide`), as in the repository today, or ResNet's
    own (`plain`), as in its first release, of which weights are published.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        model_depth: int,
        resnet_shortcut: str,
        wide_resnet_k: int,
        wide_resnet_stem: str,
        width_mult: float,
        dropout: float,
    ) -> None:
        _, counts = BLOCKS[model_depth]
        widths = tuple(int(width * wide_resnet_k * width_mult) for width in STAGE_WIDTHS)
        super().__init__(
            spec,
            Stages(WideBottleneck, WideBottleneck.expansion, counts, widths),
            stem=widths[0] if wide_resnet_stem == "wide" else int(STEM_WIDTH * width_mult),
            shortcut=resnet_shortcut,
            dropout=dropout,
        )
