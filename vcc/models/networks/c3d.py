"""3D C3D with BatchNorm: names, shapes and outputs of okankop/Efficient-3DCNNs.

Tran et al. 2015, "Learning spatiotemporal features with 3D convolutional networks". Its first
linear layer reads the whole feature map, flattened: the clip's size is part of the architecture.
Fresh convolutions are drawn as a ResNet's; the published code leaves PyTorch's.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from vcc.errors import ModelError
from vcc.models.network import VideoNetwork, init_weights
from vcc.models.spec import ModelSpec


class Group(NamedTuple):
    """Convolutions of one width, and the pool behind them."""

    width: int
    convs: int
    kernel: tuple[int, int, int] = (2, 2, 2)
    stride: tuple[int, int, int] = (2, 2, 2)
    padding: tuple[int, int, int] = (0, 0, 0)


GROUPS = (
    Group(64, 1, stride=(1, 2, 2)),
    Group(128, 1),
    Group(256, 2),
    Group(512, 2),
    Group(512, 2, kernel=(1, 2, 2), padding=(0, 1, 1)),
)
HIDDEN_WIDTH = 4096


class C3D(VideoNetwork):
    """group1..group5 (convolutions and a max-pool each) -> flatten -> fc1 -> fc2 -> fc.

    fc1 is as wide as what the pools leave of a clip of `spec.clip_shape`: 512x1x4x4 of 16x112x112,
    as published. The published code's formula for it, 512 * floor(T/16) * ceil(S/32)^2, is this
    number for the sizes that the published network runs on.

    Raises:
        ModelError: the pools leave nothing of such a clip.
    """

    head_name = "fc.0"

    def __init__(self, spec: ModelSpec, *, width_mult: float, dropout: float) -> None:
        super().__init__(spec)
        n_in = 3
        groups = []
        for group in GROUPS:
            layers: list[nn.Module] = []
            for _ in range(group.convs):
                n_out = int(group.width * width_mult)
                layers += [nn.Conv3d(n_in, n_out, 3, padding=1), nn.BatchNorm3d(n_out), nn.ReLU()]
                n_in = n_out
            layers.append(nn.MaxPool3d(group.kernel, group.stride, group.padding))
            groups.append(nn.Sequential(*layers))
        self.group1, self.group2, self.group3, self.group4, self.group5 = groups
        hidden = int(HIDDEN_WIDTH * width_mult)
        self.fc1 = _hidden(n_in * positions_left(spec), hidden, dropout)
        self.fc2 = _hidden(hidden, hidden, dropout)
        self.fc = nn.Sequential(nn.Linear(hidden, spec.n_classes))
        init_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N,n_classes] for normalised clips [N,3,T,H,W] of the spec's size.

        Raises:
            ModelError: clips of another size.
        """
        wanted = self.spec.clip_shape[1:]
        if tuple(x.shape[2:]) != wanted:
            msg = (
                f"c3d: built for clips of {_as_text(wanted)}, given one of "
                f"{_as_text(tuple(x.shape[2:]))}: its fc1 fits one size, so build it with that "
                "sample_duration and sample_size"
            )
            raise ModelError(msg)
        for group in (self.group1, self.group2, self.group3, self.group4, self.group5):
            x = group(x)
        logits: Tensor = self.fc(self.fc2(self.fc1(x.flatten(1))))
        return logits


def positions_left(spec: ModelSpec) -> int:
    """Return how many places in time and space the pools leave of a clip.

    Raises:
        ModelError: none.
    """
    sides = spec.clip_shape[1:]
    for group in GROUPS:
        sides = tuple(  # type: ignore[assignment]
            (side + 2 * padding - kernel) // stride + 1
            for side, kernel, stride, padding in zip(
                sides, group.kernel, group.stride, group.padding, strict=True
            )
        )
        if min(sides) < 1:
            msg = (
                f"c3d: its pools leave nothing of a clip of {_as_text(spec.clip_shape[1:])}: "
                "give it at least 9 frames (sample_duration) of 16 pixels (sample_size)"
            )
            raise ModelError(msg)
    return sides[0] * sides[1] * sides[2]


def _hidden(n_in: int, n_out: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(dropout)
    )


def _as_text(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))
