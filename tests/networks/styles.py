"""Tiny 3-D networks of the styles that people write, from [N,3,4,16,16] to [N,3]."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLIP = (2, 3, 4, 16, 16)
Forward = Callable[[nn.Module, Tensor], Tensor]
STYLES: dict[str, Callable[[], nn.Module]] = {}


class Styled(nn.Module):
    """Layers by name, and a function that joins them; `fc` reads the mean of each channel."""

    def __init__(self, join: Forward, **layers: nn.Module) -> None:
        super().__init__()
        self.join = join
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


class InheritingConv(nn.Conv3d):
    """Sets arguments only, as torchvision's Conv3DSimple does."""


class ScalingConv(nn.Conv3d):
    """Computes something else than its base class does."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x).square()


class AppendingSequence(nn.Sequential):
    """Is a sequence of layers, and appends what they make to their input."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, super().forward(x)], 1)


def conv(n_in: int, n_out: int = 8, **options: int) -> nn.Conv3d:
    return nn.Conv3d(n_in, n_out, 3, stride=2 if n_in == 3 else 1, padding=1, **options)


def style(make: Callable[[], nn.Module]) -> None:
    STYLES[make.__name__] = make


def middle(name: str, change: Callable[[Tensor], Tensor], width: int = 8) -> None:
    """Register conv, bn, a change of the tensor, conv."""

    def join(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(net.b(change(net.n(net.a(x)))).mean((2, 3, 4)))

    STYLES[name] = lambda: Styled(
        join, a=conv(3), n=nn.BatchNorm3d(8), b=conv(width), fc=nn.Linear(8, 3)
    )


middle("plain", torch.relu)
middle("one_minus", lambda x: 1 - torch.relu(x))
middle("add_constant", lambda x: x + 0.5)
middle("logsumexp", lambda x: torch.logsumexp(torch.stack([x, x.relu()]), 0))
middle("addcmul", lambda x: torch.addcmul(torch.ones_like(x), x, x))
middle("pad_with_one", lambda x: F.pad(x, (1, 1, 1, 1), value=1.0))
middle("less_mean_of_channels", lambda x: x - x.mean(1, keepdim=True))
middle("softmax_of_channels", lambda x: x.softmax(1))
middle("frame_differences", lambda x: x[:, :, 1:] - x[:, :, :-1])
middle("first_frame", lambda x: x[:, :, :1])
middle("sigmoid", torch.sigmoid)
middle("hard_coded_view", lambda x: x.view(-1, 8, 2, 64).view(-1, 8, 2, 8, 8))
middle("halves_swapped", lambda x: torch.cat([x[:, 4:], x[:, :4]], 1))
middle(
    "temporal_shift",
    lambda x: torch.cat([x[:, :2].roll(1, 2), x[:, 2:4].roll(-1, 2), x[:, 4:]], 1),
)


def norm_style(name: str, make: Callable[[], nn.Module]) -> None:
    """Register conv, another layer of eight channels, conv."""

    def join(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(net.b(net.n(net.a(x))).mean((2, 3, 4)))

    STYLES[name] = lambda: Styled(join, a=conv(3), n=make(), b=conv(8), fc=nn.Linear(8, 3))


norm_style("group_norm", lambda: nn.GroupNorm(2, 8))
norm_style("layer_norm", lambda: nn.LayerNorm([8, 2, 8, 8]))
norm_style("instance_norm", lambda: nn.InstanceNorm3d(8, affine=True))
norm_style("prelu", lambda: nn.PReLU(8))
norm_style("transposed", lambda: nn.ConvTranspose3d(8, 8, 2, stride=2))
norm_style("weight_norm", lambda: nn.utils.parametrizations.weight_norm(conv(8)))
norm_style("relu_in_place_then_bn", lambda: nn.Sequential(nn.ReLU(inplace=True), nn.BatchNorm3d(8)))
norm_style("inheriting", lambda: nn.Sequential(InheritingConv(8, 8, 1), nn.BatchNorm3d(8)))
norm_style("overriding", lambda: nn.Sequential(ScalingConv(8, 8, 1), nn.BatchNorm3d(8)))
norm_style("transposed_bn", lambda: nn.Sequential(nn.ConvTranspose3d(8, 8, 2), nn.BatchNorm3d(8)))


def pair_style(name: str, join: Forward, **more: Callable[[], nn.Module]) -> None:
    """Register a stem (a, n), a convolution b, a classifier, and whatever else is named."""

    def whole(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(join(net, net.n(net.a(x)).relu()).mean((2, 3, 4)))

    STYLES[name] = lambda: Styled(
        whole,
        a=conv(3),
        n=nn.BatchNorm3d(8),
        b=conv(8),
        m=nn.BatchNorm3d(8),
        fc=nn.Linear(8, 3),
        **{key: make() for key, make in more.items()},
    )


def preactivation(net: nn.Module, x: Tensor) -> Tensor:
    y = net.b(x)
    return y + net.m(y).relu()


def twice(net: nn.Module, x: Tensor) -> Tensor:
    return net.m(net.b(net.m(net.b(x)).relu()))


def excite(net: nn.Module, x: Tensor) -> Tensor:
    y = net.m(net.b(x))
    return y * net.up(net.down(y.mean((2, 3, 4), keepdim=True)).relu()).sigmoid()


def attend(net: nn.Module, x: Tensor) -> Tensor:
    y = x.flatten(2).transpose(1, 2)
    return (y + net.heads(y, y, y)[0]).transpose(1, 2).view_as(x)


def recur(net: nn.Module, x: Tensor) -> Tensor:
    return net.cell(x.mean((3, 4)).transpose(1, 2))[0].transpose(1, 2)[..., None, None]


def cbam(net: nn.Module, x: Tensor) -> Tensor:
    both = torch.stack([x.mean(1), x.amax(1)], 1)
    return x * net.look(both).sigmoid()


pair_style("preactivation", preactivation)
pair_style("called_twice", twice)
pair_style("one_norm_for_two", lambda net, x: net.m(net.b(x)) + net.m(net.c(x)), c=lambda: conv(8))
pair_style("functional_reader", lambda n, x: n.m(n.b(x)) + F.conv3d(x, n.b.weight, padding=1))
pair_style("dense", lambda net, x: net.c(torch.cat([x, net.m(net.b(x))], 1)), c=lambda: conv(16))
pair_style(
    "squeeze_excitation",
    excite,
    down=lambda: nn.Conv3d(8, 4, 1),
    up=lambda: nn.Conv3d(4, 8, 1),
)
pair_style(
    "appending_sequence",
    lambda net, x: net.c(net.more(net.m(net.b(x)))),
    more=lambda: AppendingSequence(nn.ReLU(), conv(8)),
    c=lambda: conv(16),
)
pair_style("attention", attend, heads=lambda: nn.MultiheadAttention(8, 2, batch_first=True))
pair_style("lstm", recur, cell=lambda: nn.LSTM(8, 8, batch_first=True))
pair_style("gru", recur, cell=lambda: nn.GRU(8, 8, batch_first=True))
pair_style("cbam", cbam, look=lambda: nn.Conv3d(2, 1, 3, padding=1))


@style
def layer_scale() -> nn.Module:
    """Return a residual block with a parameter of its own for each channel."""

    def join(net: nn.Module, x: Tensor) -> Tensor:
        x = net.a(x)
        return net.fc((x + net.b(x) * net.gamma).mean((2, 3, 4)))

    net = Styled(join, a=conv(3), b=conv(8), fc=nn.Linear(8, 3))
    net.gamma = nn.Parameter(torch.rand(8, 1, 1, 1))
    return net


@style
def positional_embedding() -> nn.Module:
    """Return a network that adds a parameter to its channels."""

    def join(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(net.b(net.a(x) + net.place).mean((2, 3, 4)))

    net = Styled(join, a=conv(3), b=conv(8), fc=nn.Linear(8, 3))
    net.place = nn.Parameter(torch.rand(1, 8, 2, 8, 8))
    return net


@style
def tied_weights() -> nn.Module:
    """Return two convolutions of one weight, each with its BatchNorm."""

    def join(net: nn.Module, x: Tensor) -> Tensor:
        x = net.n(net.b(net.a(x))).relu()
        return net.fc(net.m(net.c(x)).mean((2, 3, 4)))

    net = Styled(
        join,
        a=conv(3),
        b=conv(8),
        n=nn.BatchNorm3d(8),
        c=conv(8),
        m=nn.BatchNorm3d(8),
        fc=nn.Linear(8, 3),
    )
    net.c.weight = net.b.weight
    return net


@style
def video_transformer() -> nn.Module:
    """Return tokens of a convolution, a parameter for each place, and a layer of attention."""

    def join(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(net.b(net.a(x).flatten(2).transpose(1, 2) + net.place).mean(1))

    net = Styled(
        join,
        a=nn.Conv3d(3, 8, (2, 8, 8), stride=(2, 8, 8)),
        b=nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        fc=nn.Linear(8, 3),
    )
    net.place = nn.Parameter(torch.rand(1, 8, 8))
    return net


def styled(name: str, styles: dict[str, Callable[[], nn.Module]] = STYLES) -> nn.Module:
    """Return a network in evaluation mode, with statistics as after training."""
    torch.manual_seed(4)
    net = styles[name]()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm3d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.normal_()
            module.running_var.uniform_(0.2, 2)
    return net.eval()
