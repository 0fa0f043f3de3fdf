"""What counts as a depthwise convolution."""

from __future__ import annotations

import pytest
from torch import nn

from vcc.models.layers import is_depthwise


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv3d(4, 4, 3, groups=4), True),
        (nn.Conv2d(4, 4, 1, groups=4), True),
        (nn.Conv3d(4, 4, 3), False),
        (nn.Conv3d(4, 4, 3, groups=2), False),
        # two filters per channel: an input channel alone cannot leave
        (nn.Conv3d(4, 8, 3, groups=4), False),
        (nn.Conv3d(1, 1, 3), False),
        (nn.BatchNorm3d(4), False),
    ],
)
def test_a_depthwise_convolution_has_one_filter_per_channel(
    module: nn.Module, expected: bool
) -> None:
    assert is_depthwise(module) == expected
