"""What was done to a network, from the dense version on: the stages that tags and reports name."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from torch import nn

from vcc.compression.masks.sparsity import sparsity_table, total_sparsity
from vcc.models.quantized.plan import read_plan
from vcc.pipeline.card import NetworkCard

# A dense network has a few exact zeros by chance; a mask leaves more.
_CHANCE = 1e-3


def stages_of(
    model: nn.Module, *, weights_before: int, distilled: bool, clip: str | None = None
) -> tuple[str, ...]:
    """Return what a compression did, as its result shows, in the order in which it happens.

    Args:
        model: the network now.
        weights_before: elements of its convolution and linear weights before.
        distilled: a teacher was listened to.
        clip: its clips where they are other ones than before, such as "8x112x112 stride 2".

    Returns:
        Some of "clip ...", "distilled", "masked", "thinned" and "quantized"; "fine-tuned" where it
        is none.
    """
    thinned = weight_count(model) < weights_before
    found = {
        "distilled": distilled,
        "masked": thinned or total_sparsity(model) > _CHANCE,
        "thinned": thinned,
        "quantized": read_plan(model) is not None,
    }
    clips = (f"clip {clip}",) if clip else ()
    stages = tuple(stage for stage, happened in found.items() if happened)
    return clips + stages or ("fine-tuned",)


def weight_count(model: nn.Module) -> int:
    """Return how many elements the convolution and linear weights of a network have."""
    return sum(row.numel for row in sparsity_table(model))


def traced(
    card: NetworkCard, *, stages: tuple[str, ...], schedule: Path, teacher: str | None
) -> NetworkCard:
    """Return the card of a network that a schedule has just compressed, with its way so far."""
    return replace(
        card,
        lineage=(*card.lineage, card.parent or "unregistered", *stages),
        schedule=schedule.name,
        schedule_digest=hashlib.sha256(schedule.read_bytes()).hexdigest(),
        teacher=teacher,
    )
