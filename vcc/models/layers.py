"""Layers with a structure of their own, which thinning and checkpoints must know about."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd


def is_depthwise(module: nn.Module) -> bool:
    """Return whether a module is a convolution with one filter of its own per input channel."""
    return (
        isinstance(module, _ConvNd)
        and module.groups == module.out_channels == module.in_channels
        and module.groups > 1
    )


class ChannelPad(nn.Module):
    """ResNet's parameter-free shortcut (A): subsample by `stride`, append zero channels.

    Output channel i is input channel i for i < n_in, and zero above. He et al. 2015, section 3.3,
    option A. Gradients pass through; the published code cut them (`out.data`).

    Args:
        n_in: channels of the input.
        n_out: channels of the output, at least `n_in`.
        stride: step in time, height and width.
    """

    def __init__(self, n_in: int, n_out: int, *, stride: int = 1) -> None:
        super().__init__()
        self.n_in = n_in
        self.n_out = n_out
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, n_out, ceil(T/stride), ceil(H/stride), ceil(W/stride)]."""
        if self.stride != 1:
            # Pooling, not slicing: tracers take a slice of a 5-D tensor for one of channels.
            x = F.avg_pool3d(x, kernel_size=1, stride=self.stride)
        return F.pad(x, (0, 0, 0, 0, 0, 0, 0, self.n_out - self.n_in))

    def extra_repr(self) -> str:
        """Return what `print(model)` shows."""
        return f"{self.n_in}, {self.n_out}, stride={self.stride}"


class ChannelShuffle(nn.Module):
    """ShuffleNet's channel shuffle: channels of each of `groups` runs, dealt out in turn.

    Output channel i is input channel `order[i]`. Zhang et al. 2018, "ShuffleNet", section 3.1:
    [g, n/g] transposed, so that i = k * g + j comes from j * (n/g) + k. Thinning leaves an order
    that is no such transposition any more.

    The order is plain data and not a buffer: the state dict stays the published one, and what
    averages, broadcasts or zeroes buffers leaves it alone.

    Args:
        n_out: channels.
        groups: runs of equal length that they come in.
    """

    def __init__(self, n_out: int, groups: int) -> None:
        super().__init__()
        self.n_out = n_out
        self.groups = groups
        self._order: tuple[int, ...] | None = None
        self._indices: dict[torch.device, Tensor] = {}

    @property
    def order(self) -> tuple[int, ...]:
        """Input channel behind each output channel, [n_out]."""
        return self._order or plain_order(self.n_out, self.groups)

    @property
    def own_order(self) -> list[int] | None:
        """The order where it is not the one that `n_out` and `groups` give, else None."""
        return None if self._order is None else list(self._order)

    def set_order(self, order: Sequence[int] | None) -> None:
        """Take another order, of as many channels as it has; None: the one of `groups` runs.

        Raises:
            ValueError: not every channel comes once.
        """
        if order is not None and sorted(order) != list(range(len(order))):
            msg = "an order of channels has each number from 0 on once"
            raise ValueError(msg)
        if order is not None:
            self.n_out = len(order)
        is_plain = order is None or (
            self.n_out % self.groups == 0 and tuple(order) == plain_order(self.n_out, self.groups)
        )
        self._order = None if order is None or is_plain else tuple(order)
        self._indices = {}

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,n_out,T,H,W] with the channels in order."""
        # Selecting, not reshaping and transposing: one way for every order, which tracers can
        # follow, and no slower.
        index = self._index_on(x.device)
        if torch.compiler.is_exporting():
            # OpenVINO 2026.4 gathers other channels of a 5-D tensor than the ones asked for.
            return x.flatten(2).index_select(1, index).view(x.shape)
        return x.index_select(1, index)

    def extra_repr(self) -> str:
        """Return what `print(model)` shows."""
        return f"{self.n_out}, groups={self.groups}" + (", own order" if self._order else "")

    def _index_on(self, device: torch.device) -> Tensor:
        if torch.compiler.is_compiling() or torch.compiler.is_exporting():
            return torch.tensor(self.order, device=device)
        if device not in self._indices:
            # Made in inference mode it could not be kept for a backward pass later.
            with torch.inference_mode(mode=False):
                self._indices[device] = torch.tensor(self.order, device=device)
        return self._indices[device]


def plain_order(n: int, groups: int) -> tuple[int, ...]:
    """Return the order of the shuffle of n channels in `groups` runs of equal length."""
    run = n // groups
    return tuple(j * run + k for k in range(run) for j in range(groups))


class ChannelPart(nn.Module):
    """A run of consecutive channels; `ChannelSplit` says where it begins.

    Args:
        n_out: channels.
    """

    def __init__(self, n_out: int) -> None:
        super().__init__()
        self.n_out = n_out

    def forward(self, x: Tensor, start: int) -> Tensor:
        """Return [N,n_out,T,H,W], the channels from `start` on."""
        return x.narrow(1, start, self.n_out)

    def extra_repr(self) -> str:
        """Return what `print(model)` shows."""
        return f"{self.n_out}"


class ChannelSplit(nn.Module):
    """ShuffleNetV2's channel split: runs of channels, each a tensor of its own.

    Ma et al. 2018, "ShuffleNet V2", section 3.2. Each run is a module, so that it can lose channels
    by itself: after thinning the halves are seldom equal.

    Args:
        sizes: channels of each run.
    """

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList([ChannelPart(size) for size in sizes])

    @property
    def starts(self) -> tuple[int, ...]:
        """The channel that each run begins with."""
        sizes = [int(part.n_out) for part in self.parts]  # type: ignore[arg-type]
        return tuple(sum(sizes[:number]) for number in range(len(sizes)))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return one [N,size,T,H,W] per run."""
        return tuple(part(x, start) for part, start in zip(self.parts, self.starts, strict=True))
