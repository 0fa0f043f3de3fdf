"""More tiny networks, from [N,3,4,16,16] to [N,3]: shapes, splits, weights that are computed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from networks.styles import Forward, Styled, conv

RESHAPING: dict[str, Callable[[], nn.Module]] = {}


class StandardisedConv(nn.Conv3d):
    """Each filter less its mean, by its deviation."""

    def forward(self, x: Tensor) -> Tensor:
        filters = self.weight.flatten(1)
        filters = (filters - filters.mean(1, keepdim=True)) / (filters.std(1, keepdim=True) + 1e-5)
        return F.conv3d(x, filters.view_as(self.weight), self.bias, self.stride, self.padding)


class LessMean(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight - weight.mean((1, 2, 3, 4), keepdim=True)


def register(
    name: str,
    change: Forward,
    *,
    layer: Callable[[], nn.Module] | None = None,
    parameter: tuple[int, ...] = (),
    buffer: tuple[int, ...] = (),
) -> None:
    """Register conv, bn, ReLU, a change of the tensor, conv; `c` and `p` are what it needs."""

    def join(net: nn.Module, x: Tensor) -> Tensor:
        return net.fc(net.b(change(net, net.n(net.a(x)).relu())).mean((2, 3, 4)))

    def make() -> nn.Module:
        more = {} if layer is None else {"c": layer()}
        net = Styled(join, a=conv(3), n=nn.BatchNorm3d(8), b=conv(8), fc=nn.Linear(8, 3), **more)
        if parameter:
            net.p = nn.Parameter(torch.rand(parameter))
        if buffer:
            net.register_buffer("p", torch.rand(buffer))
        return net

    RESHAPING[name] = make


def images(net: nn.Module, x: Tensor) -> Tensor:
    """Return frames that went through a 2-D convolution, one by one."""
    n, _, t, h, w = x.shape
    frames = x.transpose(1, 2).reshape(n * t, x.shape[1], h, w)
    return net.c(frames).view(n, t, -1, h, w).transpose(1, 2)


def wired_images(net: nn.Module, x: Tensor) -> Tensor:
    frames = x.transpose(1, 2).reshape(-1, 8, 8, 8)
    return net.c(frames).view(-1, 2, 8, 8, 8).transpose(1, 2)


def shuffled(net: nn.Module, x: Tensor) -> Tensor:
    n, c, *rest = x.shape
    return x.view(n, 2, c // 2, *rest).transpose(1, 2).reshape(x.shape)


def assigned_shift(net: nn.Module, x: Tensor) -> Tensor:
    out, fold = torch.zeros_like(x), x.shape[1] // 4
    out[:, :fold, :-1] = x[:, :fold, 1:]
    out[:, fold : 2 * fold, 1:] = x[:, fold : 2 * fold, :-1]
    out[:, 2 * fold :] = x[:, 2 * fold :]
    return out


def parametrized() -> nn.Module:
    made = conv(8)
    nn.utils.parametrize.register_parametrization(made, "weight", LessMean())
    return made


def pooled_by_size(net: nn.Module, x: Tensor) -> Tensor:
    while x.shape[-1] > 4:
        x = F.max_pool3d(x, (1, 2, 2))
    return x


register("frames_as_images", images, layer=lambda: nn.Conv2d(8, 8, 3, padding=1))
register("wired_images", wired_images, layer=lambda: nn.Conv2d(8, 8, 3, padding=1))
register(
    "channels_last",
    lambda net, x: net.c(x.permute(0, 2, 3, 4, 1)).permute(0, 4, 1, 2, 3),
    layer=lambda: nn.Linear(8, 8),
)
register("rolled_in_time", lambda net, x: x.roll(1, 2))
register("rolled_channels", lambda net, x: x.roll(1, 1))
register("assigned_shift", assigned_shift)
register("every_second_frame", lambda net, x: x[:, :, ::2])
register("frames_stacked", lambda net, x: torch.stack(x.unbind(2), 2))
register("halves_by_chunk", lambda net, x: torch.cat(x.chunk(2, 1)[::-1], 1))
register("gated_linear_unit", lambda net, x: torch.cat([F.glu(x, 1)] * 2, 1))
register("uneven_split", lambda net, x: torch.cat(x.split([3, 5], 1)[::-1], 1))
register("shuffle_by_view", shuffled)
register("shuffle_by_index", lambda net, x: x[:, torch.tensor([0, 4, 1, 5, 2, 6, 3, 7])])
register("pooled_by_size", pooled_by_size)
register(
    "branch_on_width", lambda net, x: net.c(x) if x.shape[1] == 8 else x, layer=lambda: conv(8)
)
register(
    "standardised", lambda net, x: net.c(x), layer=lambda: StandardisedConv(8, 8, 3, padding=1)
)
register("parametrized", lambda net, x: net.c(x), layer=parametrized)
register(
    "spectral_norm",
    lambda net, x: net.c(x),
    layer=lambda: parametrizations.spectral_norm(conv(8)),
)
register("scale_of_vector", lambda net, x: x * net.p.view(1, -1, 1, 1, 1), parameter=(8,))
register("scale_of_places", lambda net, x: x * net.p, parameter=(8, 1, 8, 8))
register("scale_of_frames", lambda net, x: x * net.p, parameter=(1, 2, 1, 1))
register("scale_of_all", lambda net, x: x + net.p * net.c(x), layer=lambda: conv(8), parameter=(1,))
register("scale_of_buffer", lambda net, x: x * net.p, buffer=(8, 1, 1, 1))
register("place_of_pixels", lambda net, x: x + net.p, parameter=(1, 1, 8, 8))
