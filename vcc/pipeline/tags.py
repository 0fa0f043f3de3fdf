"""What a registered version is tagged with: by which it is found again, and what it measured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from vcc.config.model import ModelOptions
from vcc.config.tracking import SourceOptions
from vcc.models.quantized.plan import read_plan
from vcc.models.spec import ModelSpec
from vcc.pipeline.card import Network, NetworkCard

FAMILY_TAG = "model"
_OPTION = "option."


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


def model_tags(spec: ModelSpec) -> dict[str, str]:
    """Return the family and every option of a network: `model`, and `option.NAME` for each.

    By them a version is found when only some options are given.
    """
    options = {f"{_OPTION}{name}": _text(value) for name, value in spec.options.items()}
    return {FAMILY_TAG: spec.family, **options}


def allowed_by(options: SourceOptions, tags: Mapping[str, str]) -> bool:
    """Return whether a network is one that the options of a source mean.

    Args:
        options: its family, and the options that it must have; unset ones match any.
        tags: `model_tags` of the network, among others.
    """
    if tags.get(FAMILY_TAG) != options.model:
        return False
    names = {field.name for field in dataclasses.fields(ModelOptions)}
    wanted = {
        f"{_OPTION}{name}": _text(value)
        for name, value in options.as_dict().items()
        if name in names - {FAMILY_TAG, "trust"} and value is not None
    }
    if options.model_args is not None:
        wanted[f"{_OPTION}model_args"] = _text(options.arguments())
    return wanted.items() <= tags.items()


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(dict(value), sort_keys=True)
    # 1 and 1.0 are the same width.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:g}" if is_number else str(value)


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
