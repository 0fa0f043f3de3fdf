"""What thinning did, layer by layer: asked, masked, removed, left and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from vcc.compression.thinning_slicing import slice_tensor


@dataclass(frozen=True)
class ThinningRow:
    """One layer with filters.

    Attributes:
        layer: dotted module name.
        channels: output channels before.
        asked: filters that its own mask zeroes.
        masked: channels that are zero in every layer they are coupled with, so that they can go.
        removed: channels that went.
        left: filters asked for that stayed.
        why: the reasons, with how many of those left each explains; "" where none is left.
    """

    layer: str
    channels: int
    asked: int
    masked: int
    removed: int
    left: int
    why: str


@dataclass(frozen=True)
class ThinningReport:
    """What was removed from a network.

    Attributes:
        rows: one per layer with filters, in order of definition, the classifier left out.
        kept: name of each parameter and buffer that changed, to the indices that stayed, by
            dimension.
        kernels: name of each convolution whose kernel was cut in time, to its length before and
            after.
        obstacle: why the whole network stays as it is, or "".
    """

    rows: tuple[ThinningRow, ...]
    kept: Mapping[str, Mapping[int, Tensor]]
    kernels: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    obstacle: str = ""

    @property
    def removed(self) -> int:
        """How many channels went, over all layers."""
        return sum(row.removed for row in self.rows)

    def slice(self, name: str, tensor: Tensor) -> Tensor:
        """Return a tensor shaped like parameter `name` was (a mask, an average), cut likewise.

        Dimensions of size 1 stay as they are.
        """
        return slice_tensor(tensor, self.kept.get(name, {}))

    def as_text(self) -> str:
        """Return the rows as an aligned table, the kernels that were cut, and the total."""
        if self.obstacle:
            return f"the network stays whole: {self.obstacle}"
        header = ("layer", "channels", "asked", "masked", "removed", "left", "why")
        cells = [header] + [tuple(str(getattr(row, name)) for name in header) for row in self.rows]
        widths = [max(len(line[column]) for line in cells) for column in range(len(header) - 1)]
        lines = []
        for line in cells:
            figures = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=False)]
            lines.append("  ".join([line[0].ljust(widths[0]), *figures, line[-1]]).rstrip())
        for layer, (before, after) in self.kernels.items():
            lines.append(f"{layer}: kernel in time {before} -> {after}")
        lines.append(f"{self.removed} of {sum(row.channels for row in self.rows)} channels removed")
        return "\n".join(lines)
