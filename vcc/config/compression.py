"""What a user can set about compression."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from vcc.config.options import Options, option

COMPRESSION_TYPES = ("ep", "ptq", "qat", "kd")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompressionOptions(Options):
    """Which schedule compresses, and how."""

    schedule: Path | None = option(
        None, "YAML schedule; default: the one shipped for the model and compression_type"
    )
    compression_type: tuple[str, ...] = option(
        ("ep",), "kinds of shipped schedule, alone or chained", choices=COMPRESSION_TYPES
    )
    summary_path: Path | None = option(
        None, "CSV Name,Type,Sparsity, as `sensitivity` writes it, in place of a schedule"
    )
    summary_group: str = option(
        "element", "what its sparsities are shares of", choices=("element", "filter")
    )
    round_to: int = option(1, "keep a multiple of this many channels when thinning", at_least=1)
