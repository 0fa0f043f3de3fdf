"""What the networks of pytorchvideo have in common: blocks, stages, and where their parts lie."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vcc.models.network import VideoNetwork
from vcc.models.spec import ModelSpec


class Branch(nn.Module):
    """Three convolutions, each with a BatchNorm; activations behind the first two.

    Args:
        convs: in their order.
        norms: behind each of them.
        activation: behind the second.
    """

    def __init__(
        self, convs: Sequence[nn.Module], norms: Sequence[nn.Module], *, activation: nn.Module
    ) -> None:
        super().__init__()
        self.conv_a, self.conv_b, self.conv_c = convs
        self.norm_a, self.norm_b, self.norm_c = norms
        self.act_a, self.act_b = nn.ReLU(), activation

    def forward(self, x: Tensor) -> Tensor:
        """Return what is added to the shortcut."""
        x = self.act_a(self.norm_a(self.conv_a(x)))
        x = self.act_b(self.norm_b(self.conv_b(x)))
        out: Tensor = self.norm_c(self.conv_c(x))
        return out


class ResBlock(nn.Module):
    """A branch and a shortcut.

    Args:
        branch: the three convolutions.
        shortcut: None: the input as it is.
        norm: behind the shortcut's convolution; None: nothing.
    """

    def __init__(
        self, branch: Branch, shortcut: nn.Module | None, norm: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.branch1_conv, self.branch1_norm = shortcut, norm
        self.branch2 = branch
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(shortcut(x) + branch(x))."""
        shortcut = x if self.branch1_conv is None else self.branch1_conv(x)
        if self.branch1_norm is not None:
            shortcut = self.branch1_norm(shortcut)
        result: Tensor = self.activation(shortcut + self.branch2(x))
        return result


class ResStage(nn.Module):
    """Blocks in a row, by the name that they have in published files."""

    def __init__(self, blocks: Sequence[ResBlock]) -> None:
        super().__init__()
        self.res_blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the last block returns."""
        for block in self.res_blocks:
            x = block(x)
        return x


class Stem(nn.Module):
    """A convolution, its BatchNorm and ReLU, and a max-pool where there is one."""

    def __init__(self, conv: nn.Module, n_out: int, pool: nn.Module | None = None) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm3d(n_out)
        self.activation = nn.ReLU()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Return features of clips."""
        x = self.activation(self.norm(self.conv(x)))
        return x if self.pool is None else self.pool(x)


class Head(nn.Module):
    """The mean of all positions, dropout, and the classifier.

    The published one has a window as large as what clips of its own size leave, and takes the mean
    of windows behind a softmax: for such clips that is this one's softmax.

    Args:
        n_in: channels.
        n_classes: number of logits.
        pool: from features to [N,n_in,1,1,1].
        dropout: share of the classifier's inputs.
    """

    def __init__(self, n_in: int, n_classes: int, *, pool: nn.Module, dropout: float) -> None:
        super().__init__()
        self.pool = pool
        self.dropout = nn.Dropout(dropout)
        self.proj = nn.Linear(n_in, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes]."""
        logits: Tensor = self.proj(self.dropout(self.pool(x).flatten(1)))
        return logits


class BlocksNetwork(VideoNetwork):
    """A stem, four stages and a head in a list: `blocks.0` to `blocks.5`."""

    head_name = "blocks.5.proj"

    def __init__(self, spec: ModelSpec, blocks: Sequence[nn.Module]) -> None:
        super().__init__(spec)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W]."""
        for block in self.blocks:
            x = block(x)
        return x
