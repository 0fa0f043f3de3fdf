"""What decomposition did, layer by layer: ranks, cost and error, or why a layer was left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DecompositionRow:
    """One layer that was decomposed.

    Attributes:
        layer: dotted module name.
        form: see `vcc.models.decomposed`.
        ranks: chosen.
        full: at which the form computes what the layer does.
        energy: share of the squared singular values kept, the least of its ranks, 0..1: of the
            weight, or of the layer's output where that was minimised.
        macs_before: multiply-accumulates of the layer per clip.
        macs: of its form.
        weight_error: |W' - W| / |W|, Frobenius.
        output_error: |y' - y| / |y| of the layer's output on the clips it was measured on.
        note: what was not done as asked, or "".
    """

    layer: str
    form: str
    ranks: tuple[int, ...]
    full: tuple[int, ...]
    energy: float
    macs_before: int
    macs: int
    weight_error: float
    output_error: float
    note: str = ""


@dataclass(frozen=True)
class DecompositionReport:
    """What was done to a network.

    Attributes:
        rows: one per layer that was decomposed, in the order in which they run.
        left: name of each other layer -> why it was left alone.
    """

    rows: tuple[DecompositionRow, ...]
    left: Mapping[str, str] = field(default_factory=dict)

    @property
    def macs_before(self) -> int:
        """Multiply-accumulates of the decomposed layers per clip, as they were."""
        return sum(row.macs_before for row in self.rows)

    @property
    def macs(self) -> int:
        """The same of their forms."""
        return sum(row.macs for row in self.rows)

    def as_text(self) -> str:
        """Return the rows as an aligned table, the layers left alone, and the total."""
        header = ("layer", "form", "ranks", "full", "energy", "MMACs", "now", "weight error",
                  "output error", "")  # fmt: skip
        cells = [header, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
        lines = []
        for line in cells:
            left = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
            right = [cell.rjust(width) for cell, width in zip(line[2:-1], widths[2:], strict=False)]
            lines.append("  ".join([*left, *right, line[-1]]).rstrip())
        lines += [f"{layer} is left alone: {why}" for layer, why in self.left.items()]
        lines.append(
            f"{len(self.rows)} layers decomposed: "
            f"{self.macs_before / 1e6:.1f} M MACs -> {self.macs / 1e6:.1f} M"
        )
        return "\n".join(lines)


def _cells(row: DecompositionRow) -> tuple[str, ...]:
    return (
        row.layer,
        row.form,
        "+".join(map(str, row.ranks)),
        "+".join(map(str, row.full)),
        f"{row.energy:.3f}",
        f"{row.macs_before / 1e6:.1f}",
        f"{row.macs / 1e6:.1f}",
        f"{row.weight_error:.3g}",
        f"{row.output_error:.3g}",
        row.note,
    )
