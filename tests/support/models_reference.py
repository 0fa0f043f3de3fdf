"""The published networks once more, as plain functions of a state dict, and their layouts as text.

Independent of `vcc.models`: nothing of it is imported. Outputs follow
kenshohara/3D-ResNets-PyTorch, okankop/Efficient-3DCNNs and the thesis's CSN in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

GOLDENS = Path(__file__).parent / "models_goldens"
State = Mapping[str, Tensor]


def golden_layout(name: str) -> dict[str, tuple[int, ...]]:
    """Return state-dict name to shape for a published network."""
    shapes: dict[str, tuple[int, ...]] = {}
    for line in (GOLDENS / f"{name}.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        module, kind, size = line.split()
        shape = tuple(map(int, size.split("x")))
        if kind == "bn":
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{module}.{part}"] = shape
            shapes[f"{module}.num_batches_tracked"] = ()
        else:
            shapes[f"{module}.weight"] = shape
        if kind in ("linear", "conv+bias"):
            shapes[f"{module}.bias"] = shape[:1]
    return shapes


def random_state(layout: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Return tensors of the given shapes whose activations neither vanish nor explode."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in layout.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif len(shape) == 1 and name.endswith((".weight", ".running_var")):
            state[name] = 0.5 + torch.rand(shape, generator=generator)
        else:
            fan_in = max(1, torch.Size(shape[1:]).numel())
            state[name] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        if len(shape) == 1 and not name.endswith((".weight", ".running_var")):
            state[name] = 0.1 * torch.randn(shape, generator=generator)
    return state


def _conv(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv3d(
        x,
        weight,
        state.get(f"{name}.bias"),
        stride=stride,
        padding=weight.shape[-1] // 2,
        groups=x.shape[1] // weight.shape[1],
    )


def _bn(state: State, name: str, x: Tensor) -> Tensor:
    def part(which: str) -> Tensor:
        return state[f"{name}.{which}"].view(1, -1, *[1] * (x.dim() - 2))

    scale = part("weight") / torch.sqrt(part("running_var") + 1e-5)
    return (x - part("running_mean")) * scale + part("bias")


def _linear(state: State, name: str, x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3, 4)) @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def _shortcut(state: State, block: str, x: Tensor, out: Tensor, stride: int) -> Tensor:
    if f"{block}.downsample.0.weight" in state:
        projected = _conv(state, f"{block}.downsample.0", x, stride)
        return _bn(state, f"{block}.downsample.1", projected)
    if x.shape[1] == out.shape[1]:
        return x
    small = x[:, :, ::stride, ::stride, ::stride]
    zeros = small.new_zeros(x.shape[0], out.shape[1] - x.shape[1], *small.shape[2:])
    return torch.cat([small, zeros], dim=1)


def _residual_stages(state: State, x: Tensor, convs: list[list[str]], strided: str) -> Tensor:
    """Run layer1 to layer4; each entry of `convs` is the convolutions before one BatchNorm."""
    for stage in range(1, 5):
        index = 0
        while f"layer{stage}.{index}.conv1.weight" in state:
            block = f"layer{stage}.{index}"
            stride = 2 if stage > 1 and index == 0 else 1
            out = x
            for number, group in enumerate(convs, start=1):
                for conv in group:
                    out = _conv(state, f"{block}.{conv}", out, stride if conv == strided else 1)
                out = _bn(state, f"{block}.bn{number}", out)
                if number < len(convs):
                    out = F.relu(out)
            x = F.relu(out + _shortcut(state, block, x, out, stride))
            index += 1
    return x


def resnet_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a 3D ResNet or ResNeXt; depth and shortcut are read off the state.

    So are groups: a convolution has as many as its filters' channels fit into its input's.
    """
    weight = state["conv1.weight"]
    x = F.conv3d(x, weight, stride=(1, 2, 2), padding=3)
    x = F.max_pool3d(F.relu(_bn(state, "bn1", x)), 3, 2, 1)
    if "layer1.0.conv3.weight" in state:
        x = _residual_stages(state, x, [["conv1"], ["conv2"], ["conv3"]], strided="conv2")
    else:
        x = _residual_stages(state, x, [["conv1"], ["conv2"]], strided="conv1")
    return _linear(state, "fc", x)


def csn_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a 3D CSN; depth and type are read off the state."""
    x = F.conv3d(x, state["conv1.weight"], stride=(1, 2, 2), padding=(1, 3, 3))
    x = F.max_pool3d(F.relu(_bn(state, "bn1", x)), (1, 3, 3), (1, 2, 2), (0, 1, 1))
    ip = "layer1.0.conv2.1.weight" in state
    middle = ["conv2.0", "conv2.1"] if ip else ["conv2.0"]
    x = _residual_stages(state, x, [["conv1"], middle, ["conv3"]], strided=middle[-1])
    return _linear(state, "fc", x)


def mobilenetv2_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a 3D MobileNetV2."""
    x = F.conv3d(x, state["features.0.0.weight"], stride=(1, 2, 2), padding=1)
    x = F.relu6(_bn(state, "features.0.1", x))
    strided = {2, 4, 7, 14}
    for index in range(1, 18):
        stride = 2 if index in strided else 1
        names = [n for n in (0, 3, 6) if f"features.{index}.conv.{n}.weight" in state]
        out = x
        for number in names:
            name = f"features.{index}.conv.{number}"
            depthwise = state[f"{name}.weight"].shape[-1] == 3
            out = _conv(state, name, out, stride if depthwise else 1)
            out = _bn(state, f"features.{index}.conv.{number + 1}", out)
            out = out if number == names[-1] else F.relu6(out)
        x = x + out if stride == 1 and x.shape == out.shape else out
    x = F.relu6(_bn(state, "features.18.1", _conv(state, "features.18.0", x)))
    return _linear(state, "classifier.1", x)


def mobilenet_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a 3D MobileNet."""
    x = F.conv3d(x, state["features.0.0.weight"], stride=(1, 2, 2), padding=1)
    x = F.relu(_bn(state, "features.0.1", x))
    for index in range(1, 14):
        block = f"features.{index}"
        stride = 2 if index in (1, 2, 4, 6) else 1
        x = F.relu(_bn(state, f"{block}.bn1", _conv(state, f"{block}.conv1", x, stride)))
        x = F.relu(_bn(state, f"{block}.bn2", _conv(state, f"{block}.conv2", x)))
    return _linear(state, "classifier.1", x)


def c3d_logits(state: State, x: Tensor) -> Tensor:
    """Return the logits of a 3D C3D."""
    for group, convs in enumerate((1, 1, 2, 2, 2), start=1):
        for number in range(convs):
            x = _conv(state, f"group{group}.{3 * number}", x)
            x = F.relu(_bn(state, f"group{group}.{3 * number + 1}", x))
        if group == 5:
            x = F.max_pool3d(x, (1, 2, 2), (2, 2, 2), (0, 1, 1))
        else:
            x = F.max_pool3d(x, 2, (1 if group == 1 else 2, 2, 2))
    x = x.reshape(len(x), -1)
    for name in ("fc1", "fc2"):
        x = x @ state[f"{name}.0.weight"].T + state[f"{name}.0.bias"]
        x = F.relu(_bn(state, f"{name}.1", x))
    return x @ state["fc.0.weight"].T + state["fc.0.bias"]
