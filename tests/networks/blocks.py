"""Small 3-D networks of blocks that lose half of their channels: [N,3,4,16,16] to [N,3]."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, INNER = 8, 16


def conv(n_in: int, n_out: int, size: int = 3, *, groups: int = 1, bias: bool = False) -> nn.Conv3d:
    return nn.Conv3d(n_in, n_out, size, padding=size // 2, groups=groups, bias=bias)


class PostActivation(nn.Module):
    """The block of ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.n1 = conv(WIDTH, INNER), nn.BatchNorm3d(INNER)
        self.c2, self.n2 = conv(INNER, WIDTH), nn.BatchNorm3d(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.n2(self.c2(self.n1(self.c1(x)).relu()))).relu()


class PreActivation(nn.Module):
    """The block of pre-activation ResNet: a BatchNorm reads what all blocks before wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm3d(WIDTH), conv(WIDTH, INNER)
        self.n2, self.c2 = nn.BatchNorm3d(INNER), conv(INNER, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.c2(self.n2(self.c1(self.n1(x).relu())).relu())


class DenseLayer(nn.Module):
    """The layer of DenseNet, appended to what it reads."""

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm3d(n_in), conv(n_in, INNER, 1)
        self.n2, self.c2 = nn.BatchNorm3d(INNER), conv(INNER, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.c2(self.n2(self.c1(self.n1(x).relu())).relu())], 1)


class SqueezeExcitation(nn.Module):
    """The block of X3D, its gate of 1x1x1 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.na = conv(WIDTH, INNER, 1), nn.BatchNorm3d(INNER)
        self.b, self.nb = conv(INNER, INNER, groups=INNER), nn.BatchNorm3d(INNER)
        self.c, self.nc = conv(INNER, WIDTH, 1), nn.BatchNorm3d(WIDTH)
        self.down, self.up = conv(INNER, 4, 1, bias=True), conv(4, INNER, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.nb(self.b(self.na(self.a(x)).relu()))
        y = y * self.up(self.down(F.adaptive_avg_pool3d(y, 1)).relu()).sigmoid()
        return (x + self.nc(self.c(F.silu(y)))).relu()


class LinearGate(SqueezeExcitation):
    """The same with a gate of linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(INNER, 4), nn.Linear(4, INNER)

    def forward(self, x: Tensor) -> Tensor:
        y = self.nb(self.b(self.na(self.a(x)).relu()))
        gate = self.up(self.down(y.mean((2, 3, 4))).relu()).sigmoid()
        return (x + self.nc(self.c(F.silu(y * gate[:, :, None, None, None])))).relu()


class NonLocal(nn.Module):
    """Attention between all positions (Wang et al. 2018), in its embedded Gaussian form."""

    def __init__(self) -> None:
        super().__init__()
        self.theta, self.phi, self.g = (conv(WIDTH, INNER, 1, bias=True) for _ in range(3))
        self.out, self.norm = conv(INNER, WIDTH, 1), nn.BatchNorm3d(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        theta, phi, g = (each(x).flatten(2) for each in (self.theta, self.phi, self.g))
        y = (theta.transpose(1, 2) @ phi).softmax(-1) @ g.transpose(1, 2)
        y = y.transpose(1, 2).reshape(x.shape[0], -1, *x.shape[2:])
        return x + self.norm(self.out(y))


class ConvNeXt(nn.Module):
    """The block of ConvNeXt without its scale: LayerNorm and linear layers, channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = conv(WIDTH, WIDTH, groups=WIDTH, bias=True)
        self.norm = nn.LayerNorm(WIDTH)
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 4, 1))
        return x + self.down(F.gelu(self.up(y))).permute(0, 4, 1, 2, 3)


class GroupNormed(nn.Module):
    """The block of ResNet with GroupNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.n1 = conv(WIDTH, INNER), nn.GroupNorm(4, INNER)
        self.c2, self.n2 = conv(INNER, WIDTH), nn.GroupNorm(2, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.n2(self.c2(self.n1(self.c1(x)).relu()))).relu()


class Twice(nn.Module):
    """One block that runs twice."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.block(x))


class Network(nn.Module):
    """A stem, blocks, a last BatchNorm and a classifier of channel means."""

    def __init__(self, *blocks: nn.Module, width: int = WIDTH) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, WIDTH, 3, stride=2, padding=1, bias=False)
        self.blocks = nn.Sequential(*blocks)
        self.norm, self.fc = nn.BatchNorm3d(width), nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.blocks(self.stem(x))).relu().mean((2, 3, 4)))


BLOCKS: dict[str, Callable[[], Network]] = {
    "post-activation": lambda: Network(PostActivation()),
    "pre-activation": lambda: Network(PreActivation(), PreActivation()),
    "DenseNet": lambda: Network(DenseLayer(WIDTH), DenseLayer(2 * WIDTH), width=3 * WIDTH),
    "squeeze-excitation": lambda: Network(SqueezeExcitation()),
    "linear gate": lambda: Network(LinearGate()),
    "shared": lambda: Network(Twice(PostActivation()), Twice(PreActivation())),
    "non-local": lambda: Network(PostActivation(), NonLocal()),
    "ConvNeXt": lambda: Network(ConvNeXt(), ConvNeXt()),
    "GroupNorm": lambda: Network(GroupNormed(), GroupNormed()),
}


def of_blocks(name: str) -> Network:
    """Return a network in double precision, with norms as after training."""
    torch.manual_seed(2)
    network = BLOCKS[name]().double().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm3d | nn.GroupNorm | nn.LayerNorm):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_()
            if isinstance(module, nn.BatchNorm3d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
    return network
