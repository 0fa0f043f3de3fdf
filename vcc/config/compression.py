"""What a user can set about compression."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from vcc.config.export import PROVIDERS
from vcc.config.options import Options, option
from vcc.config.overflow import OVERFLOWS

COMPRESSION_TYPES = ("ep", "ptq", "qat", "kd")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TargetOptions(Options):
    """What the compressed network may cost: how sparse each layer becomes follows from it."""

    target_macs: float | None = option(
        None, "largest share of the dense network's multiply-accumulates", above=0, at_most=1
    )
    target_params: float | None = option(
        None, "largest share of the dense network's parameters", above=0, at_most=1
    )
    target_latency_ms: float | None = option(
        None, "largest median time of a clip on target_provider, all cores, ms", above=0
    )
    target_provider: str = option(
        "auto", "what target_latency_ms is measured on; auto: as export", choices=PROVIDERS
    )
    target_sensitivity: Path | None = option(
        None,
        "CSV of `sensitivity`: robust layers lose more filters; default: all lose alike",
        is_input=True,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipChoice(Options):
    """The compressed network's clips; unset ones are the schedule's, else the baseline's."""

    sample_size: int | None = option(
        None,
        "its clips' height and width, pixels; default: the schedule's, else the baseline's",
        at_least=8,
    )
    sample_duration: int | None = option(
        None, "its clips' frames; default: the schedule's, else the baseline's", at_least=1
    )
    downsample: int | None = option(
        None, "it takes every n-th frame; default: the schedule's, else the baseline's", at_least=1
    )

    def chosen(self) -> dict[str, int]:
        """Return those that are set, named as in a schedule's section `clips`."""
        return {name: value for name, value in self.as_dict().items() if value is not None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CompressionOptions(TargetOptions):
    """Which schedule compresses, and how."""

    schedule: Path | None = option(
        None, "YAML schedule; default: the one shipped for the model and compression_type"
    )
    compression_type: tuple[str, ...] = option(
        ("ep",), "kinds of shipped schedule, alone or chained", choices=COMPRESSION_TYPES
    )
    summary_path: Path | None = option(
        None,
        "CSV Name,Type,Sparsity, as `sensitivity` writes it, in place of a schedule",
        is_input=True,
    )
    summary_group: str = option(
        "element", "what its sparsities are shares of", choices=("element", "filter")
    )
    ptq_budget: float | None = option(
        None,
        "dev loss (nats) that post-training quantization may cost before layers go back to float; "
        "default: the schedule's guard, else 0.05",
        at_least=0,
    )
    overflow: str | None = option(
        None,
        "int8 weights; safe: 7 bits, right on every processor; fast: 8, for VNNI only; auto: safe "
        "on cpu, fast on tensorrt; default: the schedule's, else auto",
        choices=OVERFLOWS,
    )
    round_to: int = option(1, "keep a multiple of this many channels when thinning", at_least=1)
