"""Layers with a structure of their own, which thinning and checkpoints must know about."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


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
