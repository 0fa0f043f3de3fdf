"""SqueezeNet, ShuffleNet and ShuffleNetV2 once more, as plain functions of a state dict.

Independent of `vcc.models`, like `models_reference`; outputs follow okankop/Efficient-3DCNNs in
evaluation mode. Widths, groups and versions are read off the state.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from models_reference import State, _bn, _conv, _linear
from torch import Tensor


def squeezenet_logits(state: State, x: Tensor, *, size: tuple[int, int] | None = None) -> Tensor:
    """Return the logits of a 3D SqueezeNet.

    Args:
        state: its state dict.
        x: clips [N,3,T,H,W].
        size: (sample_duration, sample_size) that the published network was built for: it averages
            over a window made for that. None: over everything.
    """
    x = _biased(state, "features.0", x, stride=(1, 2, 2))
    x = F.max_pool3d(F.relu(_bn(state, "features.1", x)), 3, 2, 1)
    # Two versions: in 1.0 the last pooling is before features.14, in 1.1 before features.13.
    fires = [int(n.split(".")[1]) for n in state if n.endswith(".squeeze.weight")]
    for number, index in enumerate(fires):
        if number and index != fires[number - 1] + 1:
            x = F.max_pool3d(x, 3, 2, 1)
        x = _fire(state, f"features.{index}", x, bypass=number % 2 == 1)
    x = F.relu(_biased(state, "classifier.1", x))
    if size is None:
        return x.mean(dim=(2, 3, 4))
    window = (math.ceil(size[0] / 16), *[math.ceil(size[1] / 32)] * 2)
    return F.avg_pool3d(x, window, stride=1).flatten(1)


def shufflenet_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a 3D ShuffleNet, for clips whose frames and sizes halve evenly."""
    x = _conv_bn_relu(state, "conv1", x, stride=(1, 2, 2))
    x = F.max_pool3d(x, 3, 2, 1)
    for stage in (1, 2, 3):
        index = 0
        while f"layer{stage}.{index}.conv1.weight" in state:
            x = _unit(state, f"layer{stage}.{index}", x, stride=2 if index == 0 else 1)
            index += 1
    return _linear(state, "classifier.1", x)


def shufflenetv2_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a 3D ShuffleNetV2."""
    x = _conv_bn_relu(state, "conv1", x, stride=(1, 2, 2))
    x = F.max_pool3d(x, 3, 2, 1)
    index = 0
    while f"features.{index}.banch2.0.weight" in state:
        block = f"features.{index}"
        if f"{block}.banch1.0.weight" in state:
            left = _bn(state, f"{block}.banch1.1", _conv(state, f"{block}.banch1.0", x, 2))
            left = _bn(state, f"{block}.banch1.3", _conv(state, f"{block}.banch1.2", left))
            both = torch.cat([F.relu(left), _branch(state, block, x, stride=2)], dim=1)
        else:
            half = x.shape[1] // 2
            both = torch.cat([x[:, :half], _branch(state, block, x[:, half:], stride=1)], dim=1)
        x = _shuffled(both, 2)
        index += 1
    x = _conv_bn_relu(state, "conv_last", x)
    return _linear(state, "classifier.1", x)


def _fire(state: State, name: str, x: Tensor, *, bypass: bool) -> Tensor:
    squeezed = F.relu(_bn(state, f"{name}.squeeze_bn", _biased(state, f"{name}.squeeze", x)))
    expanded = [
        _bn(state, f"{name}.{kind}_bn", _biased(state, f"{name}.{kind}", squeezed))
        for kind in ("expand1x1", "expand3x3")
    ]
    out = torch.cat(expanded, dim=1)
    return F.relu(out + x if bypass else out)


def _unit(state: State, name: str, x: Tensor, *, stride: int) -> Tensor:
    groups = state[f"{name}.conv2.weight"].shape[0] // state[f"{name}.conv3.weight"].shape[1]
    out = F.relu(_bn(state, f"{name}.bn1", _conv(state, f"{name}.conv1", x)))
    out = _shuffled(out, groups)
    out = _bn(state, f"{name}.bn2", _conv(state, f"{name}.conv2", out, stride))
    out = _bn(state, f"{name}.bn3", _conv(state, f"{name}.conv3", out))
    if stride == 1:
        return F.relu(out + x)
    pooled = F.avg_pool3d(x, (2, 3, 3), stride=2, padding=(0, 1, 1))
    return F.relu(torch.cat([out, pooled], dim=1))


def _branch(state: State, block: str, x: Tensor, *, stride: int) -> Tensor:
    name = f"{block}.banch2"
    x = F.relu(_bn(state, f"{name}.1", _conv(state, f"{name}.0", x)))
    x = _bn(state, f"{name}.4", _conv(state, f"{name}.3", x, stride))
    return F.relu(_bn(state, f"{name}.6", _conv(state, f"{name}.5", x)))


def _shuffled(x: Tensor, groups: int) -> Tensor:
    n, channels, *size = x.shape
    return x.reshape(n, groups, channels // groups, *size).transpose(1, 2).reshape(x.shape)


def _conv_bn_relu(
    state: State, name: str, x: Tensor, stride: int | tuple[int, int, int] = 1
) -> Tensor:
    weight = state[f"{name}.0.weight"]
    x = F.conv3d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
    return F.relu(_bn(state, f"{name}.1", x))


def _biased(state: State, name: str, x: Tensor, stride: int | tuple[int, int, int] = 1) -> Tensor:
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return F.conv3d(x, weight, bias, stride=stride, padding=weight.shape[-1] // 2)
