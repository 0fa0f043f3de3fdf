"""R(2+1)D, pre-activation ResNet, DenseNet, X3D and Slow as plain functions of a state dict.

Independent of `vcc.models`, like `models_reference`; outputs follow kenshohara/3D-ResNets-PyTorch
and facebookresearch/pytorchvideo in evaluation mode. Depths and widths are read off the state.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from models_reference import State, _bn, _conv, _linear, _shortcut
from torch import Tensor


def resnet2p1d_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of an R(2+1)D."""
    x = F.relu(_bn(state, "bn1_s", _split(state, "conv1_s", x, (1, 2, 2))))
    x = F.relu(_bn(state, "bn1_t", _split(state, "conv1_t", x, 1)))
    x = F.max_pool3d(x, 3, 2, 1)
    parts = ("1_s", "1_t", "2_s", "2_t")
    if "layer1.0.conv3.weight" in state:
        parts = ("1", "2_s", "2_t", "3")
    for block, stride in _blocks(state, parts[0]):
        out = x
        for part in parts:
            steps = {"1_s": (1, stride, stride), "1_t": (stride, 1, 1)}
            if "1" in parts:
                steps = {"2_s": (1, stride, stride), "2_t": (stride, 1, 1)}
            out = _split(state, f"{block}.conv{part}", out, steps.get(part, 1))
            out = _bn(state, f"{block}.bn{part}", out)
            out = out if part == parts[-1] else F.relu(out)
        x = F.relu(out + _shortcut(state, block, x, out, stride))
    return _linear(state, "fc", x)


def pre_act_resnet_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a pre-activation ResNet."""
    x = F.conv3d(x, state["conv1.weight"], stride=(1, 2, 2), padding=3)
    x = F.max_pool3d(F.relu(_bn(state, "bn1", x)), 3, 2, 1)
    deep = "layer1.0.conv3.weight" in state
    for block, stride in _blocks(state, "1"):
        out = x
        for number in (1, 2, 3) if deep else (1, 2):
            out = F.relu(_bn(state, f"{block}.bn{number}", out))
            strided = number == (2 if deep else 1)
            out = _conv(state, f"{block}.conv{number}", out, stride if strided else 1)
        x = out + _shortcut(state, block, x, out, stride)
    return _linear(state, "fc", x)


def densenet_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a DenseNet, for clips of which transitions leave something."""
    x = F.conv3d(x, state["features.conv1.weight"], stride=(1, 2, 2), padding=3)
    x = F.max_pool3d(F.relu(_bn(state, "features.norm1", x)), 3, 2, 1)
    for number in (1, 2, 3, 4):
        index = 1
        while f"features.denseblock{number}.denselayer{index}.conv1.weight" in state:
            layer = f"features.denseblock{number}.denselayer{index}"
            new = x
            for part in (1, 2):
                new = F.relu(_bn(state, f"{layer}.norm{part}", new))
                new = _conv(state, f"{layer}.conv{part}", new)
            x = torch.cat([x, new], dim=1)
            index += 1
        if number < 4:
            name = f"features.transition{number}"
            x = _conv(state, f"{name}.conv", F.relu(_bn(state, f"{name}.norm", x)))
            x = F.avg_pool3d(x, 2, 2)
    return _linear(state, "classifier", F.relu(_bn(state, "features.norm5", x)))


def x3d_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of an X3D, its window as large as the clip."""
    x = _split(state, "blocks.0.conv.conv_t", x, (1, 2, 2))
    x = F.relu(_bn(state, "blocks.0.norm", _split(state, "blocks.0.conv.conv_xy", x, 1)))
    for block, index in _branches(state):
        stride = (1, 2, 2) if index == 0 else 1
        branch = f"{block}.branch2"
        out = F.relu(_bn(state, f"{branch}.norm_a", _split(state, f"{branch}.conv_a", x, 1)))
        out = _bn(state, f"{branch}.norm_b.0", _split(state, f"{branch}.conv_b", out, stride))
        if f"{branch}.norm_b.1.block.0.weight" in state:
            gate = out.mean(dim=(2, 3, 4), keepdim=True)
            gate = F.relu(_conv(state, f"{branch}.norm_b.1.block.0", gate))
            out = out * torch.sigmoid(_conv(state, f"{branch}.norm_b.1.block.2", gate))
        out = out * torch.sigmoid(out)
        out = _bn(state, f"{branch}.norm_c", _split(state, f"{branch}.conv_c", out, 1))
        x = F.relu(out + _branch1(state, block, x, stride))
    pool = "blocks.5.pool"
    x = F.relu(_bn(state, f"{pool}.pre_norm", _conv(state, f"{pool}.pre_conv", x)))
    x = F.relu(_conv(state, f"{pool}.post_conv", x.mean(dim=(2, 3, 4), keepdim=True)))
    return _linear(state, "blocks.5.proj", x)


def slow_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a Slow network, its window as large as the clip."""
    x = F.relu(_bn(state, "blocks.0.norm", _split(state, "blocks.0.conv", x, (1, 2, 2))))
    x = F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    for block, index in _branches(state):
        stride = (1, 2, 2) if index == 0 and not block.startswith("blocks.1.") else 1
        branch = f"{block}.branch2"
        out = x
        for part in ("a", "b", "c"):
            out = _split(state, f"{branch}.conv_{part}", out, stride if part == "b" else 1)
            out = _bn(state, f"{branch}.norm_{part}", out)
            out = out if part == "c" else F.relu(out)
        x = F.relu(out + _branch1(state, block, x, stride))
    return _linear(state, "blocks.5.proj", x)


def _blocks(state: State, first: str) -> list[tuple[str, int]]:
    """Return the blocks of layer1 to layer4 with their strides."""
    found = []
    for stage in (1, 2, 3, 4):
        index = 0
        while f"layer{stage}.{index}.conv{first}.weight" in state:
            found.append((f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1))
            index += 1
    return found


def _branches(state: State) -> list[tuple[str, int]]:
    """Return the blocks of blocks.1 to blocks.4 with their number in the stage."""
    found = []
    for stage in (1, 2, 3, 4):
        index = 0
        while f"blocks.{stage}.res_blocks.{index}.branch2.conv_a.weight" in state:
            found.append((f"blocks.{stage}.res_blocks.{index}", index))
            index += 1
    return found


def _branch1(state: State, block: str, x: Tensor, stride: int | tuple[int, int, int]) -> Tensor:
    if f"{block}.branch1_conv.weight" not in state:
        return x
    x = _split(state, f"{block}.branch1_conv", x, stride)
    return _bn(state, f"{block}.branch1_norm", x) if f"{block}.branch1_norm.weight" in state else x


def _split(state: State, name: str, x: Tensor, stride: int | tuple[int, int, int]) -> Tensor:
    """Convolve with half a kernel of zeros around, along each axis."""
    weight = state[f"{name}.weight"]
    padding = [size // 2 for size in weight.shape[2:]]
    return F.conv3d(x, weight, None, stride, padding, 1, x.shape[1] // weight.shape[1])
