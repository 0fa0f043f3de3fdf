"""What a registered version is tagged with: by which it is found again, and what it measured."""

from __future__ import annotations

from collections.abc import Mapping

from vcc.models.quantized.plan import read_plan
from vcc.pipeline.card import Network, NetworkCard


def card_tags(card: NetworkCard) -> dict[str, str]:
    """Return the version tags by which a network is found again."""
    return {
        "arch": card.arch,
        "role": card.role,
        "method": card.method,
        "dataset": card.dataset,
        "data_digest": card.data_digest,
        "split": str(card.split),
        "labels_count": str(len(card.labels)),
        "protocol": card.protocol.digest,
        **lineage_tags(card),
    }


def quantizer_tags(network: Network) -> dict[str, str]:
    """Return what a quantized network's integers are for; nothing for a float one."""
    plan = read_plan(network.model)
    if plan is None:
        return {}
    return {"quant_target": plan.target, "overflow": plan.overflow}


def lineage_tags(card: NetworkCard) -> dict[str, str]:
    """Return what a network was made from, by which schedule and with which teacher."""
    found = {
        "parent": card.parent,
        "lineage": " > ".join(card.lineage),
        "schedule": card.schedule,
        "schedule_digest": card.schedule_digest,
        "teacher": card.teacher,
    }
    return {key: value for key, value in found.items() if value}


def metric_tags(metrics: Mapping[str, float]) -> dict[str, str]:
    """Return figures as version tags: counts whole, the rest with six digits."""
    return {
        name: str(int(value)) if float(value).is_integer() else f"{value:.6g}"
        for name, value in metrics.items()
    }
